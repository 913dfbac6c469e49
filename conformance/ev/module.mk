# libev, whole, measured. One binary, compiled with Debian's headers and linked with Debian's library, runs on that
# and, once there is one, on ours: the same verdicts are required. The checks of the real library keep the
# expectations honest.
ev_suite_SRC := $(sort $(wildcard conformance/ev/*_test.c)) $(addprefix conformance/ev/,suite.c main.c)
$(eval $(call suite,ev-suite,$(ev_suite_SRC),-lev -lpthread -lm))
# libev's own event.h is found in our tree, the ev.h that it includes is Debian's.
$(B)/obj/conformance/ev/event_layer_test.o: CPPFLAGS += -Icompat/include/libev

# ---- the matrix of backends, on the real library and on ours ---------------------------------------------
ev_epoll := 4
ev_poll := 2
ev_select := 1
ev_backends := epoll poll select
ev_real := /usr/lib
ev_ours := $(B)/lib/pollshim

# $(call ev_matrix,BACKEND)
define ev_matrix
$(eval $(call check,ev-real-$(1),env LIBEV_FLAGS=$(ev_$(1)) $(B)/bin/ev-suite --library $(ev_real),200,$(B)/bin/ev-suite))
$(if $(strip $(ev_SRC)),$(eval $(call check,ev-$(1),env LIBEV_FLAGS=$(ev_$(1)) LD_LIBRARY_PATH=$(ev_ours) \
  $(B)/bin/ev-suite --library $(ev_ours),200,$(B)/bin/ev-suite all)))
endef
$(foreach backend,$(ev_backends),$(eval $(call ev_matrix,$(backend))))

# Where threads meet, on every backend: what `make SAN=thread check ONLY=ev-threads` is for.
$(if $(strip $(ev_SRC)),$(eval $(call check,ev-threads,for flags in $(ev_epoll) $(ev_poll) $(ev_select); do \
  LIBEV_FLAGS=$$$$flags LD_LIBRARY_PATH=$(ev_ours) $(B)/bin/ev-suite --library $(ev_ours) 'async/*' 'signal/*thread*' \
  'loop_control/*released*' || exit 1; done,120,$(B)/bin/ev-suite all)))

# ---- what the program around the library brings ------------------------------------------------------------
# Code that is not position-independent makes the linker give the program a copy of the library's object.
$(eval $(call suite,ev-traps,conformance/ev/traps.c,-lev))
$(B)/obj/conformance/ev/traps.o: CFLAGS += -fno-pic -fno-pie
$(B)/bin/ev-traps: LDFLAGS += -no-pie
$(eval $(call check,ev-real-traps,$(B)/bin/ev-traps --library $(ev_real),60,$(B)/bin/ev-traps))
$(eval $(call check,ev-traps,LD_LIBRARY_PATH=$(ev_ours) $(B)/bin/ev-traps --library $(ev_ours),60,$(B)/bin/ev-traps all))

# ---- the headers, and the lists of what is not reached ---------------------------------------------------------
# It builds programs as a user would, who has no sanitizer in them.
$(if $(SAN),,$(eval $(call check,ev-headers,conformance/ev/compare-headers,300,all)))
$(eval $(call check,ev-unreached,conformance/ev/unreached,60,$(B)/bin/ev-suite))

# ---- random programs, compared -------------------------------------------------------------------------------
# Its own clock and waits stand in front of the C library's, for whichever libev is loaded.
$(eval $(call program,ev-differential,$(addprefix conformance/ev/differential/,act_on_loop.c \
  act_on_watchers.c driver.c pipes.c program.c record.c ties.c watchers.c world.c),-lev))
$(B)/bin/ev-differential: LDFLAGS += -rdynamic
# A fixed range of programs: what is known to agree stays so. `make ev-differential` looks for more. A world that errs
# on one side must be found out.
ev_original := $(patsubst %/libev.so.4,%,$(firstword $(wildcard /usr/lib/*/libev.so.4)))
ev_compare := $(B)/bin/ev-differential --compare $(ev_original)
$(eval $(call check,ev-differential,$(ev_compare) $(ev_ours) --programs 20000,90,$(B)/bin/ev-differential all))
$(eval $(call check,ev-differential-self-test,$(ev_compare) $(ev_original) --programs 2000 --unreliable; \
  test $$$$? = 1,60,$(B)/bin/ev-differential))

#: make ev-differential compare random programs on both libev (SECONDS=60, SEED=1)
.PHONY: ev-differential
ev-differential: all $(B)/bin/ev-differential
	$(ev_compare) $(ev_ours) --seconds $(SECONDS) --seed $(SEED)
