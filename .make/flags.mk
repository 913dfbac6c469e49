# Every flag that is not a module's own, and the files under $(B)/flags that remember the flags last
# used: an object depends on the file of its kind, which changes exactly when the flags do.

OPT ?= -O2 -g
WERROR ?=
sanitizer := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer,)
ifeq ($(SAN),undefined)
sanitizer += -fno-sanitize-recover=all
# With its checks for null pointers in the way, gcc 12 takes members of objects for objects of no size.
sanitizer += $(if $(findstring clang,$(CXX)),,-Wno-stringop-overflow)
endif
# Libraries alone are optimised at link time; their objects can be linked without, too, as programs and
# archives have them.
lto := $(if $(SAN),,$(CONFIGURED_LTO))

# Not expanded here: a target that a sanitizer can not follow takes `sanitizer` back, for itself.
BASE_CPPFLAGS := -I. -I$(B) -D_GNU_SOURCE
# Unwind tables stay: a report of a blocked loop wants a backtrace.
BASE_CXXFLAGS = $(CONFIGURED_CXXFLAGS) $(OPT) $(sanitizer) -fPIC -fvisibility=hidden \
  -fvisibility-inlines-hidden -fno-exceptions -fno-rtti -fno-threadsafe-statics -Wall -Wextra
BASE_CFLAGS = $(CONFIGURED_CFLAGS) $(OPT) $(sanitizer) -fPIC -Wall -Wextra
BASE_LDFLAGS = $(OPT) $(sanitizer) -Wl,-z,relro -Wl,-z,now -Wl,--as-needed
PROGRAM_LDFLAGS := $(if $(lto),-fno-lto)
# With optimisation at link time that is when the assembler runs.
assembler_flags := $(filter -Wa$(comma)%,$(CONFIGURED_CXXFLAGS))
# clang leaves a sanitizer's symbols for the program to define.
SHARED_LDFLAGS := $(lto) $(assembler_flags) -static-libgcc $(if $(findstring clang,$(CC)),-Wno-unused-command-line-argument) $(if $(SAN),,-Wl$(comma)-z$(comma)defs)
# For what is hardly ever run: to be small is all that is asked of it. Whoever chose other flags keeps
# them. Such an object comes behind the others in a library: of a header's functions that both have, the
# linker takes the first, and one that was compiled to be small is not put in place where it is called.
SMALL_FLAGS := $(if $(SAN),,$(if $(filter -O2 -O3,$(OPT)),-Os))
werror := $(if $(filter-out 0,$(WERROR)),-Werror)

$(B)/obj/core/% $(B)/obj/backends/% $(B)/obj/compat/%: CXXFLAGS += $(lto) -Wshadow -Wconversion
$(B)/obj/compat/%: CPPFLAGS += -Icompat/include

ifneq ($(SAN),)
export HARNESS_LIMIT_FACTOR ?= 4
export ASAN_OPTIONS ?= halt_on_error=1:detect_stack_use_after_return=1:strict_string_checks=1
export UBSAN_OPTIONS ?= halt_on_error=1:print_stacktrace=1
export TSAN_OPTIONS ?= halt_on_error=1:second_deadlock_stack=1
endif

# -Werror is left out: it decides whether an object exists, not what is in it.
$(shell mkdir -p $(B)/flags)
# make -n and make -q only look.
looking := $(findstring n,$(short_flags))$(findstring q,$(short_flags))
ifneq ($(looking),)
$(B)/flags/%: ;
endif
remember = $(if $(looking),,$(remember_now))
remember_now = $(if $(or $(call differs,$(1),$(file <$(B)/flags/$(2))),$(if $(wildcard \
  $(B)/flags/$(2)),,absent)),$(file >$(B)/flags/$(2),$(1)))
differs = $(subst x$(strip $(1)),,x$(strip $(2)))$(subst x$(strip $(2)),,x$(strip $(1)))
$(call remember,$(CXX) $(BASE_CPPFLAGS) $(BASE_CXXFLAGS) $(lto),cc)
$(call remember,$(CC) $(BASE_CPPFLAGS) $(BASE_CFLAGS),c)
$(call remember,$(CC) $(BASE_LDFLAGS) $(SHARED_LDFLAGS),link)
# For what has the configured directories compiled in.
ifeq ($(filter command,$(foreach v,prefix exec_prefix libdir includedir,$(origin $v))),)
$(call remember,$(pkglibdir) $(pkgincludedir),directories)
endif
