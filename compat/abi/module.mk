# What the world sees of the libraries: the registries of symbols, the linker maps made from them, the
# engine and its faces under the original's SONAMEs, the names to link by, and the pkg-config files.
# Other modules say what a library is made of; compat/event and its rooms fill event_SRC (and
# event_openssl_SRC), and libraries that stand alone name $(B)/gen/abi/SONAME.map as their version
# script.

abi := $(B)/lib/pollshim
abi_gen := $(B)/gen/abi

# ---- linker maps -----------------------------------------------------------------------------------
# $(call abi_map,SONAME,REGISTRY,FACES)
define abi_map
$(abi_gen)/$(1).map: compat/abi/$(2).tsv compat/abi/linker-map
	@mkdir -p $$(@D)
	$$(Q)compat/abi/linker-map $$< $(3) >$$@
abi_maps += $(abi_gen)/$(1).map
endef
abi_engine := libpollshim-event.so.1
abi_openssl := libevent_openssl-2.1.so.7
$(eval $(call abi_map,$(abi_engine),libevent,event pthreads engine))
$(eval $(call abi_map,$(abi_openssl),libevent,openssl))
$(eval $(call abi_map,libev.so.4,libev,ev))
$(eval $(call abi_map,libnetpoll.so.1,netpoll,netpoll))

# ---- the engine --------------------------------------------------------------------------------------
abi_engine_OBJ := $(if $(strip $(event_SRC)),\
  $(call objects,$(event_SRC) $(view_event_SRC)) $(core_OBJ) $(backends_OBJ))
# The prototypes of the public headers carry the mark that lets a function out of the library.
$(B)/obj/compat/event/%.o: CPPFLAGS += -Devent_shared_EXPORTS
$(eval $(call shared_library,$(abi_engine),$(abi_engine_OBJ),$(abi_gen)/$(abi_engine).map))

# ---- its faces ----------------------------------------------------------------------------------------
# A face exports nothing and needs the engine. It is also marked as a filter of the engine, which puts
# the engine at the face's own place in the order of lookup. As a mere need it would come after all
# that the program names, and a program of libevent and libev, both of which have event_* functions,
# would get them from the wrong one.
# A linker does not look behind a face, so a program cannot be linked against one. It could be linked against the engine, but would then need a library that exists only here. So
# the name -levent stands for is a linker script that leads to a stub: a library with the face's
# SONAME and symbols that exists for the linker alone. The program needs libevent-2.1.so.7, and runs
# on ours and on the original. Should somebody load a stub after all, it is a filter as well, and the
# engine's symbols come before its own. It lives in a directory of its own because ldconfig, were it to see two
# libraries of one SONAME, might prefer the stub.
abi_faces := event event_core event_extra event_pthreads
abi_stubs := $(abi)/pollshim-link
define abi_face
$(eval $(call shared_library,lib$(1)-2.1.so.7,$(call objects,compat/abi/face.c),,,$(abi)/$(abi_engine)))
$(abi)/lib$(1)-2.1.so.7: private LDFLAGS += -nostdlib -Wl,--filter,$(abi_engine)
$(abi)/lib$(1)-2.1.so.7: private SHARED_LDFLAGS :=
$(abi_gen)/lib$(1).c: compat/abi/libevent.tsv compat/abi/link-stub
	@mkdir -p $$(@D)
	$$(Q)compat/abi/link-stub $$< $(patsubst event_%,%,$(1)) >$$@
$(abi_stubs)/lib$(1).so: $(abi_gen)/lib$(1).c
	$$(call say,STUB,$$@)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) -shared -nostdlib -fPIC -O1 -w -Wl,-soname,lib$(1)-2.1.so.7 -Wl,--filter,$(abi_engine) \
	  '-Wl,-rpath,$$$$ORIGIN/..' -Wl,--enable-new-dtags -o $$@ $$<
$(abi)/lib$(1).so: $(abi_stubs)/lib$(1).so
	@mkdir -p $$(@D)
	$$(Q)echo '/* GNU ld script: what programs that use lib$(1) are linked with. */ INPUT(pollshim-link/lib$(1).so)' >$$@
all: $(abi)/lib$(1).so
INSTALL_LIBS += $(abi)/lib$(1).so $(abi_stubs)/lib$(1).so
endef
$(foreach face,$(abi_faces),$(eval $(call abi_face,$(face))))

# ---- TLS ------------------------------------------------------------------------------------------------
ifneq ($(strip $(event_openssl_SRC)),)
$(eval $(call shared_library,$(abi_openssl),$(call objects,$(event_openssl_SRC)),$(abi_gen)/$(abi_openssl).map,\
  libevent_openssl.so,$(abi)/$(abi_engine) $(OPENSSL_LIBS)))
$(eval $(call static_library,libevent_openssl.a,$(call objects,$(event_openssl_SRC))))
endif

# ---- static archives: one, by all its names ---------------------------------------------------------------
ifneq ($(strip $(abi_engine_OBJ)),)
$(eval $(call static_library,libevent.a,$(abi_engine_OBJ)))
$(foreach face,$(filter-out event,$(abi_faces)),$(eval $(call library_link,lib$(face).a,libevent.a)))
endif

# ---- pkg-config ---------------------------------------------------------------------------------------------
# Twice: for the build tree, beside the libraries, and for where they are to be installed.
# $(call abi_pc,NAME,DESCRIPTION,VERSION,LIBS,REQUIRES,LIBS.PRIVATE,REQUIRES.PRIVATE)
abi_rpath = -Wl,-rpath,$${libdir}
define abi_pc
$(abi)/pkgconfig/$(1).pc: compat/abi/library.pc.in compat/abi/module.mk
	@mkdir -p $$(@D)
	$$(Q)sed -e 's|@prefix@|$(root)|;s|@exec_prefix@|$$$${prefix}|' -e 's|@includedir@|$(root)/compat/include|' \
	  -e 's|@libdir@|$(abspath $(abi))|;s|@rpath@| $$(abi_rpath)|' $$(abi_pc_edit_$(1)) $$< >$$@
$(install_gen)/$(1).pc: compat/abi/library.pc.in FORCE
	@mkdir -p $$(@D)
	$$(Q)sed -e 's|@prefix@|$$(prefix)|;s|@exec_prefix@|$$(exec_prefix)|' -e 's|@includedir@|$$(pkgincludedir)|' \
	  -e 's|@libdir@|$$(pkglibdir)|;s|@rpath@|$$(if $$(filter yes,$$(system_names)),, $$(abi_rpath))|' \
	  $$(abi_pc_edit_$(1)) $$< >$$@
abi_pc_edit_$(1) = -e 's|@name@|$(1)|;s|@description@|$(2)|;s|@version@|$(3)|;s|@libs@|$(4)|' \
  -e 's|@requires@|$(5)|;s|@libs_private@|$(6)|;s|@requires_private@|$(7)|' -e 's| *$$$$||'
all: $(abi)/pkgconfig/$(1).pc
INSTALL_PC += $(install_gen)/$(1).pc
endef
abi_version_event := 2.1.12-stable
$(eval $(call abi_pc,libevent,events and buffers and DNS and HTTP,$(abi_version_event),-levent))
$(eval $(call abi_pc,libevent_core,events and buffers,$(abi_version_event),-levent_core))
$(eval $(call abi_pc,libevent_extra,DNS and HTTP and RPC,$(abi_version_event),-levent_extra,libevent_core))
$(eval $(call abi_pc,libevent_pthreads,libevent with POSIX threads,$(abi_version_event),-levent_pthreads,libevent))
$(if $(strip $(event_openssl_SRC)),$(eval $(call abi_pc,libevent_openssl,TLS for libevent,$(abi_version_event),\
  -levent_openssl,libevent,-lssl -lcrypto)))
$(if $(strip $(ev_SRC)),$(eval $(call abi_pc,libev,event loops after libev,4.33,-lev,,-lm)))
$(if $(strip $(native_SRC)),$(eval $(call abi_pc,libnetpoll,threads that wait for descriptors,$(PACKAGE_VERSION),-lnetpoll)))

#: make abi-update      mark the symbols that the libraries have by now as present in compat/abi/*.tsv
.PHONY: abi-update
abi-update: all
	$(Q)compat/abi/update-status compat/abi/libevent.tsv $(abi)/$(abi_engine) $(wildcard $(abi)/$(abi_openssl))
	$(Q)compat/abi/update-status compat/abi/libev.tsv $(wildcard $(abi)/libev.so.4)
	$(Q)compat/abi/update-status compat/abi/netpoll.tsv $(wildcard $(abi)/libnetpoll.so.1)
	@awk -F '\t' '/^#/ { next } { ++n[FILENAME, $$5] ; f[FILENAME] } END { for (x in f) \
	  printf "%s: %d present, %d pending\n", x, n[x, "present"], n[x, "pending"] }' compat/abi/*.tsv
