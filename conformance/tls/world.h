/* What the TLS suite shares: certificates made on the spot, two ends of a connection in every form,
 * and a peer that is OpenSSL alone. It uses the public API, so that one binary serves the original
 * library and ours. No file, no name and no network is needed. */
#ifndef CONFORMANCE_TLS_WORLD_H
#define CONFORMANCE_TLS_WORLD_H

#include "conformance/buffers/stream.h"

#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

/* On a descriptor; on a socket bufferevent; on one of a pair of bufferevents. */
enum form { on_socket, over_socket, over_pair, form_count };
extern const char* const form_names[form_count];

enum { client = 0, server = 1 };

/* With this certificate, for this version alone; both ends verify nothing unless told to. */
SSL_CTX* context_of(int version);
/* A connection of a context that lives as long as it. */
SSL* session_of(int version);

/* Two connected ends, both bufferevents of the base. */
struct ends {
  struct event_base* base;
  struct bufferevent* bev[2];
  struct bufferevent* below[2]; /* NULL on a descriptor */
  int fd[2];                    /* -1 over a pair */
  struct teller teller[2];
  struct story story;
};
void open_ends(struct ends* ends, struct event_base* base, enum form form, int version,
               int options);
/* The same, without anything running yet, on these descriptors. */
struct bufferevent* end_on(struct event_base* base, enum form form, int fd, SSL* ssl,
                           enum bufferevent_ssl_state state, int options);
/* Runs until both have told that they are connected; the stories begin after it. */
void shake_hands(struct ends* ends);
void close_ends(struct ends* ends);

/* A bufferevent at one end, and at the other an SSL object that the test drives by hand. */
struct solo {
  struct event_base* base;
  struct bufferevent* bev;
  struct teller teller;
  struct story story;
  SSL* peer;
  int fd;      /* the bufferevent's */
  int peer_fd; /* -1 once closed */
};
void open_solo(struct solo* solo, struct event_base* base, enum form form, int version,
               int options);
/* What the peer reads now, into `to`, which gets its end; the bufferevent runs meanwhile. */
size_t peer_reads(struct solo* solo, char* to, size_t room, size_t wanted);
/* All of it, while the bufferevent runs. */
void peer_writes(struct solo* solo, const void* bytes, size_t size);
void peer_closes(struct solo* solo);
/* With a reset. */
void peer_resets(struct solo* solo);
/* Puts out so many bytes, in so many pieces. */
void write_pieces(struct bufferevent* bev, int count, size_t size);
void close_solo(struct solo* solo);

/* Runs what is ready until *condition is at least `wanted`; fails after ten seconds. */
void run_until_at_least(struct event_base* base, const int* condition, int wanted);
void run_until_input(struct event_base* base, struct bufferevent* bev, size_t length);

/* Takes the errors out and says whether one of them has this reason. */
int had_error(struct bufferevent* bev, int reason);

/* For every form and version. */
#define FORMS_AND_VERSIONS(form, version)                     \
  for (enum form form = on_socket; form < form_count; ++form) \
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; ++version)
#define DESCRIPTOR_FORMS_AND_VERSIONS(form, version)         \
  for (enum form form = on_socket; form < over_pair; ++form) \
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; ++version)

#endif
