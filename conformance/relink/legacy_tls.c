/*
 * The part of the legacy project that has TLS: two ends of a pair shake hands without a
 * certificate, and one byte goes through. It names libevent_openssl alone; libevent itself and
 * OpenSSL come with it.
 */
#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <openssl/ssl.h>
#include <stdio.h>

static struct event_base* base;
static char got;

static void on_read(struct bufferevent* bev, void* context) {
  (void)context;
  if (bufferevent_read(bev, &got, 1) == 1) event_base_loopexit(base, NULL);
}

int main(void) {
  const struct timeval long_enough = {20, 0};
  SSL_CTX* context = SSL_CTX_new(TLS_method());
  struct bufferevent *plain[2], *secure[2];
  if (context == NULL || (base = event_base_new()) == NULL) return 1;
  /* Anonymous ciphers, so that nobody needs a certificate. */
  SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
  if (SSL_CTX_set_cipher_list(context, "aNULL:@SECLEVEL=0") != 1) return 1;
  SSL_CTX_set_dh_auto(context, 1);
  if (bufferevent_pair_new(base, 0, plain) != 0) return 1;
  for (int i = 0; i < 2; i++) {
    secure[i] = bufferevent_openssl_filter_new(
        base, plain[i], SSL_new(context),
        i == 0 ? BUFFEREVENT_SSL_ACCEPTING : BUFFEREVENT_SSL_CONNECTING, BEV_OPT_CLOSE_ON_FREE);
    if (secure[i] == NULL) return 1;
    bufferevent_setcb(secure[i], on_read, NULL, NULL, NULL);
    bufferevent_enable(secure[i], EV_READ | EV_WRITE);
  }
  bufferevent_write(secure[1], "x", 1);
  event_base_loopexit(base, &long_enough);
  event_base_dispatch(base);
  printf("libevent %s with TLS: %c\n", event_get_version(), got);
  for (int i = 0; i < 2; i++)
    bufferevent_free(secure[i]);
  event_base_free(base);
  SSL_CTX_free(context);
  return got == 'x' ? 0 : 1;
}
