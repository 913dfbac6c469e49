/* Entry of the evbuffer suite: every public function of buffer.h and buffer_compat.h. */
#include "conformance/buffers/groups.h"

#define BYTES(X) \
  X(append) X(joining) X(take) X(space) X(search) X(lines) X(share) X(file) X(transfer)
#define GROUPS(X) BYTES(X) X(notify) X(locking) X(memory)

SUITE_OF(GROUPS)
