/* Entry of the TLS suite: all of bufferevent_ssl.h. */
#include "conformance/buffers/groups.h"

#define GROUPS(X) X(handshake) X(bytes) X(closing) X(reading_on) X(freeing) X(settings) X(trouble)

SUITE_OF(GROUPS)
