# TLS under bufferevents: one binary against the public API, on the distribution's libevent_openssl,
# where every expectation was proven, and on ours, with each of its backends.
tls_suite_SRC := $(sort $(wildcard conformance/tls/*.c)) \
  $(addprefix conformance/buffers/,freeing.c stream.c support.c turns.c)
$(eval $(call suite,tls-suite,$(tls_suite_SRC),-levent_openssl -levent -levent_pthreads -lssl -lcrypto))

tls_epoll :=
tls_poll := EVENT_NOEPOLL=1
tls_select := EVENT_NOEPOLL=1 EVENT_NOPOLL=1
$(eval $(call check,tls-real,$(B)/bin/tls-suite --library /usr/lib,120,$(B)/bin/tls-suite))
# $(call tls_on_ours,BACKEND)
define tls_on_ours
$(eval $(call check,tls-$(1),env $(tls_$(1)) LD_LIBRARY_PATH=$(B)/lib/pollshim $(B)/bin/tls-suite \
  --library $(B)/lib/pollshim,120,$(B)/bin/tls-suite all))
endef
$(if $(strip $(event_openssl_SRC)),$(foreach backend,epoll poll select,$(eval $(call tls_on_ours,$(backend)))))
$(eval $(call check,tls-unreached,conformance/event/unreached event2/bufferevent_ssl.h -- \
  $(B)/bin/tls-suite $(tls_suite_SRC),20,$(B)/bin/tls-suite))
# Counted as a debugger sees them; sanitizers make calls of their own.
ifeq ($(SAN),)
$(if $(strip $(event_openssl_SRC)),$(eval $(call check,tls-kernel-calls,conformance/tls/kernel-calls \
  $(B)/bin/bench/tls-event $(B)/lib/pollshim,60,$(B)/bin/bench/tls-event all)))
endif
