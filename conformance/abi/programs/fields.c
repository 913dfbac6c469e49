/* Programs walk libevent's lists and read the fields of its structures, not always through
 * functions. */
#include <event.h>
#include <evhttp.h>
#include <sys/queue.h>

size_t count_headers(const struct evkeyvalq* headers);
const char* describe(const struct evhttp_request* request);
size_t buffered(struct bufferevent* bufferevent);

size_t count_headers(const struct evkeyvalq* headers) {
  const struct evkeyval* header;
  size_t count = 0;
  TAILQ_FOREACH(header, headers, next) count += header->key != NULL && header->value != NULL;
  return count;
}

const char* describe(const struct evhttp_request* request) {
  return request->kind == EVHTTP_REQUEST && request->type == EVHTTP_REQ_GET ? request->uri : "";
}

size_t buffered(struct bufferevent* bufferevent) {
  return EVBUFFER_LENGTH(EVBUFFER_INPUT(bufferevent)) + evbuffer_get_length(bufferevent->output) +
         bufferevent->wm_read.high + (bufferevent->enabled & EV_READ ? 1u : 0u);
}
