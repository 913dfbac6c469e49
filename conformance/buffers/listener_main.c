/* Entry of the listener suite: every public function of listener.h. */
#include "conformance/buffers/groups.h"

#define GROUPS(X) X(listener) X(listener_trouble)

SUITE_OF(GROUPS)
