/* The helpers that freeing.h promises. */
#include "conformance/buffers/freeing.h"

struct doomed doomed;

void free_victims(int self) {
  if (doomed.hits++) return;
  for (int i = 0; i < 2; ++i) {
    if (doomed.victim == victim_self && i != self) continue;
    if (doomed.victim == victim_peer && i == self) continue;
    if (doomed.ends[i]) bufferevent_free(doomed.ends[i]);
    doomed.ends[i] = NULL;
  }
}

static void come(enum moment now, void* self) {
  if (now == doomed.moment) free_victims((int)(intptr_t)self);
}

static void read_cb(struct bufferevent* bev, void* self) {
  (void)bev;
  come(at_read, self);
}

static void write_cb(struct bufferevent* bev, void* self) {
  (void)bev;
  come(at_write, self);
}

static void event_cb(struct bufferevent* bev, short what, void* self) {
  (void)bev;
  come(at_event, self);
  if (what & BEV_EVENT_CONNECTED) come(at_connected, self);
  if (what & BEV_EVENT_EOF) come(at_end, self);
  if (what & BEV_EVENT_ERROR) come(at_failure, self);
  if (what & BEV_EVENT_TIMEOUT) come(at_timeout, self);
}

void doom(int end) {
  bufferevent_setcb(doomed.ends[end], read_cb, write_cb, event_cb, (void*)(intptr_t)end);
}

void free_survivors(void) {
  for (int i = 0; i < 2; ++i) {
    if (doomed.ends[i]) bufferevent_free(doomed.ends[i]);
    doomed.ends[i] = NULL;
  }
}
