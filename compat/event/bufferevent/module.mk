# Bufferevents: sockets, pairs, filters, and what all kinds share.
event_SRC += $(addprefix compat/event/bufferevent/,bufferevent.cc callbacks.cc connect.cc control.cc \
  filter.cc life.cc pair.cc rate_group.cc rate_limit.cc services.cc socket.cc timeouts.cc token_bucket.cc)
