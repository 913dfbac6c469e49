# The netpoller's core: everything portable. Libraries and tests link its objects.
core_SRC := $(addprefix core/,clock.cc deadline.cc fd_table.cc fd_table_kernel.cc netpoller.cc \
  note.cc poll_cache.cc poller.cc promise.cc timer_heap.cc timer_heap_run.cc waiter.cc wake.cc loop.cc \
  signal_table.cc)
$(call object_names,core/loop.cc core/signal_table.cc): CXXFLAGS += $(SMALL_FLAGS)
core_OBJ := $(call objects,$(core_SRC))
