# libev: libev.so.4 and libev.a, with core and backends inside and hidden.
ev_SRC := $(addprefix compat/ev/,async.cc backend.cc child.cc default_loop.cc edge.cc embed.cc event_layer.cc io.cc \
  loop.cc memory.cc once.cc pending.cc periodic.cc phase.cc signal.cc stat.cc time.cc timer.cc verify.cc)
# Watchers are seen as their common head, which the language calls another type.
$(B)/obj/compat/ev/%: CXXFLAGS += -fno-strict-aliasing
# The names of libev 3 include a function ev_loop, which hides the struct from C++.
$(B)/obj/compat/ev/%: CPPFLAGS += -DEV_COMPAT3=0
ev_OBJ := $(call objects,$(ev_SRC) $(view_ev_SRC)) $(core_OBJ) $(backends_OBJ)
$(eval $(call shared_library,libev.so.4,$(ev_OBJ),$(B)/gen/abi/libev.so.4.map,libev.so))
$(eval $(call static_library,libev.a,$(ev_OBJ)))
