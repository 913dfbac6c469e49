# Unit tests of core and backends.

# ---- one test library, instantiated for every backend ----------------------------------------------
# kqueue.cc runs over an emulation of kqueue(2), in a wide and a narrow version.
kqueue_emulation_SRC := $(addprefix conformance/unit/kqueue_,emulation.cc emulation_queue.cc narrow.cc) \
  $(backends_BSD_SRC)
kqueue_emulation_LDFLAGS := -Wl,--wrap=close,--wrap=dup2
allowance_LDFLAGS := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc
$(B)/obj/conformance/unit/%.o: CXXFLAGS += -Wshadow -Wconversion
$(backends_BSD_SRC:%.cc=$(B)/obj/%.o): CPPFLAGS += -Iconformance/unit/kqueue
$(B)/obj/conformance/unit/kqueue_%.o: CPPFLAGS += -Iconformance/unit/kqueue
$(B)/obj/conformance/unit/backend_special.o: CPPFLAGS += -Iconformance/unit/kqueue

kqueue_emulation_tests_SRC := conformance/unit/kqueue_emulation_test.cc $(kqueue_emulation_SRC)
$(eval $(call suite,kqueue-emulation-tests,$(kqueue_emulation_tests_SRC),$(core_OBJ) $(backends_OBJ)))
$(B)/bin/kqueue-emulation-tests: LDFLAGS += $(kqueue_emulation_LDFLAGS)
$(eval $(call check,kqueue-emulation,$(B)/bin/kqueue-emulation-tests,60,$(B)/bin/kqueue-emulation-tests))

backend_tests_SRC := $(addprefix conformance/unit/backend_,fixture.cc life.cc mapping.cc memory.cc \
  readiness.cc registration.cc special.cc test.cc waits.cc) conformance/unit/allowance.cc \
  $(kqueue_emulation_SRC)
$(eval $(call suite,backend-tests,$(backend_tests_SRC),$(core_OBJ) $(backends_OBJ)))
$(B)/bin/backend-tests: LDFLAGS += $(kqueue_emulation_LDFLAGS) $(allowance_LDFLAGS)
$(eval $(call check,backends,$(B)/bin/backend-tests,120,$(B)/bin/backend-tests))

# ---- descriptor torture: the fd table over every backend, against poll(2) --------------------------
torture_SRC := $(addprefix conformance/unit/,torture_oracle.cc torture_steps.cc torture_test.cc \
  torture_world.cc) $(kqueue_emulation_SRC)
$(eval $(call suite,torture,$(torture_SRC),$(core_OBJ) $(backends_OBJ)))
$(B)/bin/torture: LDFLAGS += $(kqueue_emulation_LDFLAGS)
# Fewer steps under the thread sanitizer: there is one thread, and forking costs it dearly.
$(eval $(call check,torture,$(if $(filter thread,$(SAN)),env TORTURE_STEPS=50000) $(B)/bin/torture \
  --limit 100,200,$(B)/bin/torture))

# ---- the handshakes, model-checked -------------------------------------------------------------------
model_SRC := $(addprefix conformance/unit/,model.cc model_lock_test.cc model_test.cc)
# Actors are coroutines on one thread: the thread sanitizer has nothing to find there, does not follow a
# change of stack, and takes memory without bound. So under it there is none in this suite at all.
ifeq ($(SAN),thread)
$(call object_names,$(model_SRC)) $(B)/bin/model-tests: private sanitizer :=
$(eval $(call program,model-tests,$(model_SRC),$(call unsanitized_objects,$(harness_SRC)) -lcmocka))
else
$(eval $(call suite,model-tests,$(model_SRC)))
endif
$(B)/bin/model-tests: LDLIBS += -lstdc++
# The address sanitizer would take a stack of its own for every call of every actor, and minutes for it.
$(eval $(call check,model,$(if $(filter address,$(SAN)),env \
  ASAN_OPTIONS=$(ASAN_OPTIONS):detect_stack_use_after_return=0) $(B)/bin/model-tests --limit 60,120,$(B)/bin/model-tests))

# ---- the lock of the libevent face, whose word is model-checked above ---------------------------------
$(eval $(call suite,thread-lock-tests,conformance/unit/thread_lock_test.cc,))
$(eval $(call check,thread-lock,$(B)/bin/thread-lock-tests,60,$(B)/bin/thread-lock-tests))

# ---- what a front end like libev's needs of the core -----------------------------------------------
$(eval $(call suite,embedding-tests,conformance/unit/embedding_test.cc,$(core_OBJ) $(backends_OBJ)))
$(eval $(call check,embedding,$(B)/bin/embedding-tests,60,$(B)/bin/embedding-tests))

# ---- the core, room by room, on a backend of the tests' own and on real ones ---------------------------
core_tests_SRC := $(addprefix conformance/unit/,allowance.cc core_test.cc deadline_test.cc fake_backend.cc \
  fd_table_edge_test.cc fd_table_policy_test.cc fd_table_return_test.cc fd_table_test.cc \
  fd_table_wait_test.cc gate_test.cc poll_cache_test.cc run_queue_test.cc signal_table_test.cc \
  timer_heap_test.cc timer_run_test.cc wake_test.cc backend_fixture.cc) $(kqueue_emulation_SRC)
$(eval $(call suite,core-tests,$(core_tests_SRC),$(core_OBJ) $(backends_OBJ)))
$(B)/bin/core-tests: LDFLAGS += $(kqueue_emulation_LDFLAGS) $(allowance_LDFLAGS)
$(eval $(call check,core,$(B)/bin/core-tests --limit 60,180,$(B)/bin/core-tests))

# ---- the slab under a tag so narrow that it wraps, and what timers cost ----------------------------------
$(B)/obj/conformance/unit/narrow_tag_test.o: CPPFLAGS += -DNETPOLL_GENERATION_BITS=3
$(eval $(call suite,narrow-tag-tests,conformance/unit/narrow_tag_test.cc))
$(eval $(call check,core-narrow-tag,$(B)/bin/narrow-tag-tests,30,$(B)/bin/narrow-tag-tests))

$(eval $(call program,timer-cost,conformance/unit/timer_cost.cc,$(core_OBJ)))
$(eval $(call check,core-timer-cost,$(B)/bin/timer-cost,120,$(B)/bin/timer-cost))
