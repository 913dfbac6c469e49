# A small server on libevhtp, plain and with TLS (bufferevent_openssl), echoes bodies and bears a load.
# packages: libevhtp-dev gcc libc6-dev libssl-dev libevent-dev curl nghttp2-client openssl
. ./library.sh
certificate
cat >$D/server.c <<'X'
#include <evhtp.h>
#include <stdlib.h>
static void reply(evhtp_request_t *request, void *context) {
  (void)context;
  evbuffer_add_printf(request->buffer_out, "hi %s ", request->uri->path->full);
  evbuffer_add_buffer(request->buffer_out, request->buffer_in);
  evhtp_send_reply(request, 200);
}
int main(int argc, char **argv) {
  if (argc != 3) return 9;
  struct event_base *base = event_base_new();
  evhtp_t *plain = evhtp_new(base, 0), *tls = evhtp_new(base, 0);
  evhtp_ssl_cfg_t *config = calloc(1, sizeof *config);
  config->pemfile = argv[1];
  config->privfile = argv[2];
  evhtp_set_gencb(plain, reply, 0);
  evhtp_set_gencb(tls, reply, 0);
  if (evhtp_bind_socket(plain, "127.0.0.1", 21265, 128) || evhtp_ssl_init(tls, config)) return 1;
  return evhtp_bind_socket(tls, "127.0.0.1", 21266, 128) ? 2 : event_base_loop(base, 0);
}
X
gcc $D/server.c -o $D/server -levhtp -levent -levent_openssl -lssl -lcrypto -lpthread 2>$D/log.gcc || fail 'the server does not compile'
start $SWAP $D/server $D/c.pem $D/k.pem
tcp_ready 21266
loaded $LAST
curl -s -d body http://127.0.0.1:21265/abc >$D/plain
expect $D/plain 'hi /abc body'
curl -sk -d body2 https://127.0.0.1:21266/def >$D/tls
expect $D/tls 'hi /def body2'
h2load --h1 -n 2000 -c 10 http://127.0.0.1:21265/x >$D/load 2>&1
expect $D/load '2000 succeeded'
