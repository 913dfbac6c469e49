/* Entry of the TLS suite: all of bufferevent_ssl.h. */
#include "conformance/buffers/groups.h"

#define BEGINNING_AND_END(X) X(handshake) X(refusal) X(closing) X(reading_on)
#define BETWEEN(X) X(bytes) X(output) X(limits) X(going_on) X(settings) X(transports) X(layers)
#define GROUPS(X) BEGINNING_AND_END(X) BETWEEN(X) X(freeing) X(trouble)

SUITE_OF(GROUPS)
