# Suites of buffers, bufferevents, listeners and TLS. Each is one binary against the public API, and
# runs twice: on the distribution's libevent, where every expectation was proven, and on ours.
buffer_suite_SRC := $(addprefix conformance/buffers/,append.c buffer_main.c file.c joining.c lines.c locking.c \
  memory.c notify.c search.c share.c space.c support.c take.c transfer.c)
buffers_real := /usr/lib
buffers_ours := $(B)/lib/pollshim
buffers_on_ours := env LD_LIBRARY_PATH=$(buffers_ours)
buffers_engine_ready := $(if $(strip $(event_SRC)),yes)

# What a thread sanitizer finds in the original (locks taken in either order, by filters) is not ours
# to mend; what it finds in ours is.
buffers_on_real := $(if $(filter thread,$(SAN)),env TSAN_OPTIONS=report_bugs=0)

# $(call buffers_dual,NAME,PROGRAM,SECONDS): on the real library as NAME-real, on ours as NAME.
define buffers_dual
$(eval $(call check,$(1)-real,$(buffers_on_real) $(B)/bin/$(2) --library $(buffers_real),$(3),$(B)/bin/$(2)))
$(if $(buffers_engine_ready),$(eval $(call check,$(1),$(buffers_on_ours) $(B)/bin/$(2) \
  --library $(buffers_ours),$(3),$(B)/bin/$(2) all)))
endef

$(eval $(call suite,buffer-suite,$(buffer_suite_SRC),-levent -levent_pthreads))
$(eval $(call buffers_dual,buffer,buffer-suite,120))

# A million random operations against a plain byte array. Prints a digest of all it saw, which has to
# be the same on both libraries; strict runs, on ours alone, include what the original gets wrong.
buffer_model_SRC := $(addprefix conformance/buffers/,model.c model_main.c model_operations.c)
buffer_model_seeds := 1 2
$(eval $(call program,buffer-model,$(buffer_model_SRC),-levent))
$(if $(buffers_engine_ready),$(eval $(call check,buffer-model,conformance/buffers/compare-models \
  $(B)/bin/buffer-model $(buffers_ours) $(buffer_model_seeds),300,$(B)/bin/buffer-model all)))

# What is kept of emptied chunks, seen from inside.
$(eval $(call suite,shelf-tests,conformance/buffers/shelf_test.cc,$(call object_names,$(event_SRC) \
  $(view_event_SRC)) $(core_OBJ) $(backends_OBJ)))
$(B)/bin/shelf-tests: LDFLAGS += -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free
$(eval $(call check,buffer-shelf,$(B)/bin/shelf-tests,60,$(B)/bin/shelf-tests))

# Listeners.
listener_suite_SRC := $(addprefix conformance/buffers/,listener.c listener_main.c listener_trouble.c \
  listener_world.c support.c turns.c)
$(eval $(call suite,listener-suite,$(listener_suite_SRC),-levent -levent_pthreads))
$(eval $(call buffers_dual,listener,listener-suite,120))
$(eval $(call check,listener-unreached,conformance/event/unreached event2/listener.h -- \
  $(B)/bin/listener-suite $(listener_suite_SRC),20,$(B)/bin/listener-suite))

# Bufferevents.
bev_suite_SRC := $(sort $(wildcard conformance/buffers/bev_*.c)) \
  $(addprefix conformance/buffers/,freeing.c one_bev.c stream.c support.c turns.c)
$(eval $(call suite,bufferevent-suite,$(bev_suite_SRC),-levent -levent_pthreads))
$(eval $(call buffers_dual,bufferevent,bufferevent-suite,180))

# What no test reaches. buffer.h is reached by the tests of evbuffers alone, and so on.
$(eval $(call check,buffer-unreached,conformance/event/unreached event2/buffer.h \
  event2/buffer_compat.h -- $(B)/bin/buffer-suite $(buffer_suite_SRC),20,$(B)/bin/buffer-suite))
$(eval $(call check,bufferevent-unreached,conformance/event/unreached event2/bufferevent.h \
  event2/bufferevent_compat.h event2/bufferevent_struct.h -- $(B)/bin/bufferevent-suite \
  $(bev_suite_SRC),20,$(B)/bin/bufferevent-suite))

# Kernel calls for each message, counted exactly; sanitizers make calls of their own.
$(eval $(call program,echo-calls,conformance/buffers/echo_calls.c,-levent))
buffers_count_calls := $(B)/bin/kernel-calls --scenarios $(B)/bin/echo-calls --rounds 100
buffers_call_counters := $(B)/bin/kernel-calls $(B)/bin/echo-calls
$(if $(SAN),,$(eval $(call check,bufferevent-calls-real,$(buffers_count_calls),60,\
  $(buffers_call_counters))))
$(if $(SAN),,$(if $(buffers_engine_ready),$(eval $(call check,bufferevent-calls,\
  $(buffers_count_calls) --ours $(buffers_ours),60,$(buffers_call_counters) all))))

# Two peers under random calls. What they see when all is calm has to be the same on both libraries.
peers_SRC := $(addprefix conformance/buffers/torture/,layers.c main.c side.c torture.c) \
  conformance/event/virtual_clock.c
$(eval $(call program,peers,$(peers_SRC) conformance/buffers/torture/plain_stacks.c,\
  -levent -levent_pthreads))
$(eval $(call program,peers-tls,$(peers_SRC) conformance/buffers/torture/tls_stacks.c,\
  -levent_openssl -levent -levent_pthreads -lssl -lcrypto))
$(B)/bin/peers $(B)/bin/peers-tls: LDFLAGS += -rdynamic
# $(call peers_compare,PROGRAM)
peers_compare = conformance/buffers/torture/compare $(B)/bin/$(1) $(buffers_ours)
$(if $(buffers_engine_ready),$(eval $(call check,bufferevent-peers,$(call peers_compare,peers) 1 300,\
  300,$(B)/bin/peers all)))
$(if $(strip $(event_openssl_SRC)),$(eval $(call check,tls-peers,$(call peers_compare,peers-tls) 1 50,\
  300,$(B)/bin/peers-tls all)))

#: make peers           torture two peers, and compare what they see on both libraries (SEED=1 COUNT=5000)
.PHONY: peers
COUNT ?= 5000
peers: all $(B)/bin/peers $(B)/bin/peers-tls
	$(call peers_compare,peers) $(SEED) $(COUNT)
	$(call peers_compare,peers-tls) $(SEED) $(COUNT)
