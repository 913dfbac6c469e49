# The words of a module.mk. Owns how sources become objects, programs and libraries; knows nothing of
# any module. $(eval ...) what defines a rule, $(call ...) what is a value.
#
#   $(call objects,SOURCES)                              the object files of .cc and .c sources
#   $(call unsanitized_objects,SOURCES)                  the same, out of reach of SAN=...
#   $(eval $(call program,NAME,SOURCES,OBJECTS_OR_LIBS)) $(B)/bin/NAME, linked without libstdc++
#   $(eval $(call suite,NAME,SOURCES,OBJECTS_OR_LIBS))   a program with the test harness and CMocka
#   $(eval $(call static_library,NAME.a,OBJECTS))        $(B)/lib/pollshim/NAME.a, to be installed
#   $(eval $(call shared_library,SONAME,OBJECTS,VERSION_SCRIPT,LINK_NAMES,LIBS))
#       $(B)/lib/pollshim/SONAME with the symbolic links LINK_NAMES, to be installed. A library of ours
#       among LIBS (by its path in $(B)) is needed even when no symbol of it is used, and is found
#       beside this one at run time.
#   $(eval $(call check,NAME,COMMAND,SECONDS,PREREQUISITES))
#       A check of `make check`: a shell command run from the repository root with B, CC and TMPDIR in
#       its environment, its time limit, and the files it needs built.
#
# A comma or a dollar sign inside an argument must come from a variable ($(comma), or one of your own).
# Programs are built when a check or the install needs them, or when `all` is given them:
#   all: $(B)/bin/NAME
# Flags of single objects or programs are target-specific variables, always with +=:
#   $(B)/obj/conformance/ev/%.o: CFLAGS += -DSOMETHING        (CXXFLAGS for .cc, CPPFLAGS for both)
#   $(B)/bin/NAME: LDLIBS += -lm                              (LDFLAGS likewise)
# Headers made during the build: GENERATED_HEADERS += $(B)/gen/...; they exist before any compilation.

ALL_SOURCES :=
ALL_OBJECTS :=
ALL_PROGRAMS :=
CHECKS :=
GENERATED_HEADERS :=

unique = $(if $(1),$(firstword $(1)) $(call unique,$(filter-out $(firstword $(1)),$(1))))
object_names = $(patsubst %.cc,$(B)/obj/%.o,$(patsubst %.c,$(B)/obj/%.o,$(1)))
objects = $(eval ALL_SOURCES += $(1))$(eval ALL_OBJECTS += $(call object_names,$(1)))$(call object_names,$(1))
unsanitized_objects = $(eval ALL_OBJECTS += $(call unsanitized_names,$(1)))$(call unsanitized_names,$(1))
unsanitized_names = $(patsubst $(B)/obj/%,$(B)/obj/unsanitized/%,$(call object_names,$(1)))
linked_files = $(filter-out -%,$(1))
own_libraries = $(filter $(B)/lib/pollshim/%.so $(B)/lib/pollshim/%.so.1 \
  $(B)/lib/pollshim/%.so.4 $(B)/lib/pollshim/%.so.7,$(1))

define program
$(eval ALL_PROGRAMS += $(B)/bin/$(1))
$(B)/bin/$(1): $(call objects,$(2)) $(call linked_files,$(3)) $(B)/flags/link
	$$(call say,LINK,$$@)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(BASE_LDFLAGS) $$(PROGRAM_LDFLAGS) $$(LDFLAGS) -o $$@ $(call objects,$(2)) $(3) $$(LDLIBS)
endef

suite = $(call program,$(1),$(2),$(3) $(HARNESS))

define static_library
$(B)/lib/pollshim/$(1): $(2)
	$$(call say,AR,$$@)
	@mkdir -p $$(@D)
	$$(Q)rm -f $$@ && $$(AR) rcs $$@ $(2)$(if $(lto), && $$(OBJCOPY) -R '.gnu.lto_*' -R '.gnu.debuglto_*' $$@)
all: $(B)/lib/pollshim/$(1)
INSTALL_LIBS += $(B)/lib/pollshim/$(1)
endef

# Linked by the C driver: what needs libstdc++ does not link. A face has no symbol to be needed for.
define shared_library
$(B)/lib/pollshim/$(1): $(2) $(3) $(call linked_files,$(5)) $(B)/flags/link
	$$(call say,SHARED,$$@)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) -shared $$(BASE_LDFLAGS) $$(SHARED_LDFLAGS) $$(LDFLAGS) -Wl,-soname,$(1) \
	  $(if $(3),-Wl$(comma)--version-script=$(3)) -o $$@ $(2) \
	  $(filter-out $(call own_libraries,$(5)),$(5)) $$(LDLIBS) \
	  $(if $(call own_libraries,$(5)),-Wl$(comma)--no-as-needed $(call own_libraries,$(5)) \
	    '-Wl$(comma)-rpath$(comma)$$$$ORIGIN' -Wl$(comma)--enable-new-dtags)
$(foreach name,$(4),$(eval $(call library_link,$(name),$(1))))
all: $(B)/lib/pollshim/$(1)
INSTALL_LIBS += $(B)/lib/pollshim/$(1)
endef

define library_link
$(B)/lib/pollshim/$(1): $(B)/lib/pollshim/$(2)
	$$(Q)ln -sf $(2) $$@
all: $(B)/lib/pollshim/$(1)
INSTALL_LIBS += $(B)/lib/pollshim/$(1)
endef

define check
CHECKS += $(1)
check_command_$(1) := $$(strip $(2))
check_seconds_$(1) := $(3)
check_needs_$(1) := $(4)
endef
