# Unmodified Debian programs on our libraries: a few in `make check`, all in `make check-programs`.

#: make check-programs  run every Debian program of conformance/programs on the originals and on ours (root)
#: make check-footprint  compare the system calls they make with the originals and with ours (root)
.PHONY: check-programs check-footprint
programs_runner := conformance/programs/run-programs
programs_needs := $(B)/bin/pollshim $(filter %/libevent-2.1.so.7 %/libevent_core-2.1.so.7 %/libevent_extra-2.1.so.7 \
  %/libevent_pthreads-2.1.so.7 %/libevent_openssl-2.1.so.7 %/libev.so.4,$(INSTALL_LIBS))
PROGRAMS ?=

check-programs: $(programs_needs)
	@B=$(B) $(programs_runner) --logs=$(B)/programs --jobs=2 $(PROGRAMS)

check-footprint: $(programs_needs)
	@B=$(B) conformance/programs/compare-system-calls --logs=$(B)/footprint $(PROGRAMS)

# Three of libevent and three of libev: threads, a resolver, a super-server; HTTP/2, TLS with workers, Python.
programs_few := memcached unbound inetd nghttp2 hitch gevent
ifeq ($(SAN),)
$(eval $(call check,programs,$(programs_runner) --by=run --jobs=2 --logs=$(B)/programs-few $(programs_few),240,$(programs_needs)))
# A server on events alone, and one on bufferevents; all of them: make check-footprint.
$(eval $(call check,footprint,conformance/programs/compare-system-calls --logs=$(B)/footprint-few inetd remctl,300,$(programs_needs)))
endif
