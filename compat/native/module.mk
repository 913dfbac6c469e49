# The native API: libnetpoll.so.1, the netpoller for threads, with core and backends inside.

native_SRC := compat/native/netpoll.cc
native_OBJ := $(call objects,$(native_SRC)) $(core_OBJ) $(backends_OBJ)
$(eval $(call shared_library,libnetpoll.so.1,$(native_OBJ),$(B)/gen/abi/libnetpoll.so.1.map,libnetpoll.so))
$(eval $(call static_library,libnetpoll.a,$(native_OBJ)))
