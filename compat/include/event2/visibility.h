/* The mark that every public prototype carries. To a program it is nothing. The library's own
 * objects are compiled with hidden visibility and one of the *_EXPORTS names defined, and then the
 * mark is what lets a function out. */
#ifndef EVENT2_VISIBILITY_H_INCLUDED_
#define EVENT2_VISIBILITY_H_INCLUDED_

#include <event2/event-config.h>

#if (defined(event_shared_EXPORTS) || defined(event_core_shared_EXPORTS) ||           \
     defined(event_extra_shared_EXPORTS) || defined(event_pthreads_shared_EXPORTS) || \
     defined(event_openssl_shared_EXPORTS)) &&                                        \
    defined(__GNUC__)
#define EVENT2_EXPORT_SYMBOL __attribute__((visibility("default")))
#else
#define EVENT2_EXPORT_SYMBOL
#endif

/* Once told core from extra where that mattered. One engine serves both here. */
#ifndef EVENT2_CORE_EXPORT_SYMBOL
#define EVENT2_CORE_EXPORT_SYMBOL EVENT2_EXPORT_SYMBOL
#endif

#endif /* EVENT2_VISIBILITY_H_INCLUDED_ */
