# The libevent layer: the event core and, in rooms of their own below, everything that rides on it.
# compat/abi packages event_SRC as the engine.

event_SRC += $(addprefix compat/event/,base.cc clock.cc config.cc deferred.cc debug_mode.cc event.cc \
  finalize.cc inspect.cc io_watch.cc legacy.cc listener.cc lock.cc log.cc loop.cc memory.cc once.cc \
  own_io.cc pthreads.cc signal_watch.cc timeout.cc)

# What is written in halves and read as a whole, or the other way about, stalls the processor for longer
# than one addition instead of two can save; and a timeval is two numbers.
$(B)/obj/compat/event/%.o: CXXFLAGS += -fno-tree-slp-vectorize
