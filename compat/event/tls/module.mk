# Bufferevents that speak TLS: a library of their own, libevent_openssl, the only one that needs libssl.
event_openssl_SRC += $(addprefix compat/event/tls/,edge.cc filter.cc session.cc socket.cc wire.cc)
$(B)/obj/compat/event/tls/%.o: CPPFLAGS += $(OPENSSL_CFLAGS)
