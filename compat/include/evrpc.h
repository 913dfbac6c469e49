/* Remote calls over HTTP as libevent 1.x declared them, and all of <event.h>. */
#ifndef EVENT1_EVRPC_H_INCLUDED_
#define EVENT1_EVRPC_H_INCLUDED_

#include <event.h>

#include <event2/rpc.h>
#include <event2/rpc_compat.h>
#include <event2/rpc_struct.h>

#endif /* EVENT1_EVRPC_H_INCLUDED_ */
