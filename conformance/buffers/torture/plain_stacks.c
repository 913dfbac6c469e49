/* Stacks of sockets, pairs and filters. */
#include "conformance/buffers/torture/layers.h"

static int open_local(struct event_base* base, int options, struct bufferevent* ends[2]) {
  return open_sockets(base, options, connect_local, ends);
}

static int open_tcp(struct event_base* base, int options, struct bufferevent* ends[2]) {
  return open_sockets(base, options, connect_tcp, ends);
}

static int open_pair(struct event_base* base, int options, struct bufferevent* ends[2]) {
  return bufferevent_pair_new(base, options, ends);
}

static int open_filter_on_local(struct event_base* base, int options, struct bufferevent* ends[2]) {
  return put_filters_on(open_local(base, options, ends), options, ends);
}

static int open_filter_on_tcp(struct event_base* base, int options, struct bufferevent* ends[2]) {
  return put_filters_on(open_tcp(base, options, ends), options, ends);
}

static int open_filter_on_pair(struct event_base* base, int options, struct bufferevent* ends[2]) {
  return put_filters_on(open_pair(base, options, ends), options, ends);
}

static int open_filters_on_pair(struct event_base* base, int options, struct bufferevent* ends[2]) {
  return put_filters_on(open_filter_on_pair(base, options, ends), options, ends);
}

#define ON_DESCRIPTORS .tells_end = 1, .say_goodbye = shut_down_writing

static const struct stack_kind kinds[] = {
    {"local", open_local, ON_DESCRIPTORS},
    {"tcp", open_tcp, ON_DESCRIPTORS},
    {"pair", open_pair, .is_whole = 1},
    {"filter-on-local", open_filter_on_local, ON_DESCRIPTORS, .has_filters = 1},
    {"filter-on-tcp", open_filter_on_tcp, ON_DESCRIPTORS, .has_filters = 1},
    {"filter-on-pair", open_filter_on_pair, .is_whole = 1, .has_filters = 1},
    {"filters-on-pair", open_filters_on_pair, .is_whole = 1, .has_filters = 2},
    {.name = NULL},
};
const struct stack_kind* const torture_stacks = kinds;
