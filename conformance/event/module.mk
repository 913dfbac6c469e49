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

# ---- what no test reaches ----------------------------------------------------------------------------
event_headers := event2/event.h event2/event_compat.h event2/thread.h event2/util.h
$(eval $(call check,event-unreached,conformance/event/unreached $(event_headers) -- \
  $(B)/bin/event-suite $(event_suite_SRC),20,$(B)/bin/event-suite))

# ---- memory that is short ----------------------------------------------------------------------------
# A sanitizer's allocator is its own.
$(eval $(call suite,event-allocation-suite,conformance/event/allocation_suite.c,-levent -levent_pthreads))
define event_allocation
$(eval $(call check,event-allocation-real-$(1),env $(event_$(1)) $(B)/bin/event-allocation-suite \
  --limit 60 --library $(event_real),120,$(B)/bin/event-allocation-suite))
$(if $(event_engine_ready),$(eval $(call check,event-allocation-$(1),env $(event_$(1)) \
  LD_LIBRARY_PATH=$(event_ours) $(B)/bin/event-allocation-suite --limit 60 --library $(event_ours),120,\
  $(B)/bin/event-allocation-suite all)))
endef
$(if $(SAN),,$(foreach backend,$(event_backends),$(eval $(call event_allocation,$(backend)))))

# ---- the order of callbacks ------------------------------------------------------------------------
# Programs on the virtual clock replace the C library's clocks and waits for the libraries they load.
event_clock_SRC := conformance/event/virtual_clock.c conformance/event/differential/channels.c
$(eval $(call program,event-order,$(addprefix conformance/event/order/,order.c script.c) \
  $(event_clock_SRC),-levent))
$(B)/bin/event-order: LDFLAGS += -rdynamic
event_scenarios := conformance/event/order/scenarios.txt
$(eval $(call check,event-order-real,$(B)/bin/event-order --library $(event_real) --check \
  $(event_scenarios),20,$(B)/bin/event-order))
$(eval $(call check,event-order-differences-real,$(B)/bin/event-order --library $(event_real) \
  --check conformance/event/order/differences.txt,20,$(B)/bin/event-order))
$(if $(event_engine_ready),$(eval $(call check,event-order-differences,LD_LIBRARY_PATH=$(event_ours) \
  $(B)/bin/event-order --library $(event_ours) --check conformance/event/order/differences.txt,20,\
  $(B)/bin/event-order all)))
$(if $(event_engine_ready),$(eval $(call check,event-order,conformance/event/order/compare \
  $(B)/bin/event-order $(event_ours) $(event_scenarios),30,$(B)/bin/event-order all)))

# ---- random programs on both ---------------------------------------------------------------------
differential := conformance/event/differential
$(eval $(call program,differential,$(addprefix $(differential)/,driver.c program.c)))
$(eval $(call program,differential-runner,$(addprefix $(differential)/,runner.c execute.c program.c \
  trace.c ties.c) $(event_clock_SRC),-levent -levent_pthreads))
$(B)/bin/differential-runner: LDFLAGS += -rdynamic
event_differential := $(B)/bin/differential $(B)/bin/differential-runner

# The original agrees with itself, and a difference put in by hand is found.
$(eval $(call check,event-differential-real,$(B)/bin/differential --programs $(if $(SAN),600,4000) \
  --profile 0 --profile 1 --profile 6,60,$(event_differential)))
$(eval $(call check,event-differential-self-test,! $(B)/bin/differential --self-test \
  --programs 4000,60,$(event_differential)))

# Every profile, for a minute in all. Signals do not survive poll() and select() in one order, nor
# descriptor hazards in one outcome: there only hangs and crashes count. Sanitizers take their time.
event_programs := $(if $(SAN),2400,20000)
define event_compared
# A fixed range of programs: what is known to agree stays so. `make differential` looks for more.
$(eval $(call check,event-differential,$(B)/bin/differential --ours $(event_ours) --programs \
  $(event_programs) --profile 0 --profile 2 --profile 4 --profile 6,200,$(event_differential) all))
$(eval $(call check,event-differential-pthreads,env SUITE_LOCKS=pthreads $(B)/bin/differential \
  --ours $(event_ours) --seconds 3 --profile 0 --profile 6,60,$(event_differential) all))
$(eval $(call check,event-differential-poll,env $(event_poll) $(B)/bin/differential \
  --ours $(event_ours) --seconds 5 --profile 8 --profile 10 --profile 12 --profile 14,60,\
  $(event_differential) all))
$(eval $(call check,event-differential-select,env $(event_select) $(B)/bin/differential \
  --ours $(event_ours) --seconds 5 --profile 8 --profile 10 --profile 12 --profile 14,60,\
  $(event_differential) all))
$(eval $(call check,event-differential-hazards,$(B)/bin/differential --ours $(event_ours) \
  --crashes-only --seconds 10 --profile 1 --profile 3 --profile 5 --profile 7,60,\
  $(event_differential) all))
endef
$(if $(event_engine_ready),$(eval $(event_compared)))

#: make differential    compare random programs on both libraries (SECONDS=60, SEED=1, PROFILE=0)
.PHONY: differential
SECONDS ?= 60
SEED ?= 1
PROFILE ?= 0
differential: all $(event_differential)
	$(B)/bin/differential --ours $(event_ours) --seconds $(SECONDS) --seed $(SEED) \
	  $(foreach profile,$(PROFILE),--profile $(profile))

# ---- kernel calls ----------------------------------------------------------------------------------
# Counted as a debugger sees them; sanitizers make calls of their own.
$(eval $(call program,kernel-calls,conformance/event/kernel_calls.c))
$(eval $(call program,kernel-calls-scenarios,conformance/event/kernel_calls_scenarios.c,-levent))
event_kernel_calls := $(B)/bin/kernel-calls $(B)/bin/kernel-calls-scenarios
$(if $(SAN),,$(eval $(call check,event-kernel-calls-real,$(B)/bin/kernel-calls,60,$(event_kernel_calls))))
$(if $(SAN),,$(if $(event_engine_ready),$(eval $(call check,event-kernel-calls,$(B)/bin/kernel-calls \
  --ours $(event_ours),60,$(event_kernel_calls) all))))

# ---- threads ---------------------------------------------------------------------------------------
# SAN=thread is where it bites: build/bin/event-stress --seconds 30 by hand.
$(eval $(call program,event-stress,conformance/event/stress.c,-levent -levent_pthreads))
$(eval $(call check,event-stress-real,$(B)/bin/event-stress --seconds 2,60,$(B)/bin/event-stress))
$(if $(event_engine_ready),$(eval $(call check,event-stress,LD_LIBRARY_PATH=$(event_ours) \
  $(B)/bin/event-stress --seconds $(if $(filter thread,$(SAN)),30,3),120,$(B)/bin/event-stress all)))
