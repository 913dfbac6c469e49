# libev: libev.so.4 and libev.a, with core and backends inside and hidden.
ev_SRC := $(addprefix compat/ev/,async.cc edge.cc io.cc loop.cc pending.cc phase.cc time.cc timer.cc)
# What sets up, and what waits for events that are rare by their nature.
ev_rare_SRC := $(addprefix compat/ev/,backend.cc child.cc default_loop.cc embed.cc event_layer.cc memory.cc \
  once.cc periodic.cc signal.cc stat.cc verify.cc)
$(call object_names,$(ev_rare_SRC)): CXXFLAGS += $(SMALL_FLAGS)
# Watchers are seen as their common head, which the language calls another type.
$(B)/obj/compat/ev/%: CXXFLAGS += -fno-strict-aliasing
# The names of libev 3 include a function ev_loop, which hides the struct from C++.
$(B)/obj/compat/ev/%: CPPFLAGS += -DEV_COMPAT3=0
ev_OBJ := $(call objects,$(ev_SRC)) $(core_OBJ) $(backends_OBJ) $(call objects,$(ev_rare_SRC) $(view_ev_SRC))
$(eval $(call shared_library,libev.so.4,$(ev_OBJ),$(B)/gen/abi/libev.so.4.map,libev.so))
$(eval $(call static_library,libev.a,$(ev_OBJ)))
