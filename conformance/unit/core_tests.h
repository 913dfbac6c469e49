// The rooms of the core's unit tests, one list for each source file, put together in core_test.cc.
#pragma once

#include <cstddef>

#include "conformance/harness/harness.h"

namespace netpoll::test {

#define CORE_TEST_GROUP(name) harness_group name##_group()
CORE_TEST_GROUP(gate);
CORE_TEST_GROUP(poll_cache);
CORE_TEST_GROUP(fd_table);
CORE_TEST_GROUP(fd_table_edge);
CORE_TEST_GROUP(fd_table_wait);
CORE_TEST_GROUP(fd_table_return);
CORE_TEST_GROUP(fd_table_policy);
CORE_TEST_GROUP(deadline);
CORE_TEST_GROUP(timer_heap);
CORE_TEST_GROUP(timer_run);
CORE_TEST_GROUP(run_queue);
CORE_TEST_GROUP(wake);
CORE_TEST_GROUP(signal_table);
#undef CORE_TEST_GROUP

}  // namespace netpoll::test
