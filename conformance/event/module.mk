# libevent's event core, measured. One binary, compiled with Debian's headers and linked with Debian's
# libraries, runs on them and, once the engine is built, on ours: the same verdicts are required.
# The checks of the real library keep the expectations honest.
event_suite_SRC := $(sort $(wildcard conformance/event/*_test.c)) \
  $(addprefix conformance/event/,suite.c main.c)
$(eval $(call suite,event-suite,$(event_suite_SRC),-levent -levent_pthreads))

# ---- the matrix: backend x locks, on the real library and on ours ----------------------------------
event_epoll :=
event_poll := EVENT_NOEPOLL=1
event_select := EVENT_NOEPOLL=1 EVENT_NOPOLL=1
event_backends := epoll poll select
event_locks := none pthreads
event_real := /usr/lib
event_ours := $(B)/lib/pollshim
# Ours is measured once its engine is whole: the suite does not even start while a symbol is missing.
event_engine_ready ?= $(if $(strip $(event_SRC)),yes)

# $(call event_matrix,BACKEND,LOCKS)
define event_matrix
$(eval $(call check,event-real-$(1)-$(2),env $(event_$(1)) SUITE_LOCKS=$(2) \
  $(B)/bin/event-suite --library $(event_real),120,$(B)/bin/event-suite))
$(if $(event_engine_ready),$(eval $(call check,event-$(1)-$(2),env $(event_$(1)) SUITE_LOCKS=$(2) \
  LD_LIBRARY_PATH=$(event_ours) $(B)/bin/event-suite --library $(event_ours),120,$(B)/bin/event-suite all)))
endef
$(foreach backend,$(event_backends),$(foreach locks,$(event_locks),\
  $(eval $(call event_matrix,$(backend),$(locks)))))

# ---- random programs on both ---------------------------------------------------------------------
# The runner replaces the C library's clocks and waits for the libraries it loads.
differential := conformance/event/differential
$(eval $(call program,differential,$(addprefix $(differential)/,driver.c program.c)))
$(eval $(call program,differential-runner,$(addprefix $(differential)/,runner.c execute.c program.c \
  channels.c trace.c ties.c) conformance/event/virtual_clock.c,-levent -levent_pthreads))
$(B)/bin/differential-runner: LDFLAGS += -rdynamic
event_differential := $(B)/bin/differential $(B)/bin/differential-runner

# The original agrees with itself, and a difference put in by hand is found.
$(eval $(call check,event-differential-real,$(B)/bin/differential --programs 4000 --profile 0 \
  --profile 1 --profile 6,60,$(event_differential)))
$(eval $(call check,event-differential-self-test,! $(B)/bin/differential --self-test \
  --programs 4000,60,$(event_differential)))

#: make differential    compare random programs on both libraries (SECONDS=60, SEED=1)
.PHONY: differential
SECONDS ?= 60
SEED ?= 1
differential: all $(event_differential)
	$(B)/bin/differential --ours $(event_ours) --seconds $(SECONDS) --seed $(SEED) \
	  --profile 0 --profile 1 --profile 6
