# How one object is compiled. Included last, when every module has spoken: ALL_OBJECTS is complete.

say = $(if $(V),,@printf '  %-7s %s\n' '$(1)' '$(patsubst $(B)/%,%,$(2))')

# Beside each object: what it included (.d), how it was made (.cmd, for lint and editors), and what
# the compiler said if it said anything (.warnings).
define compile
$(if $(looking),,$(file >$(@:.o=.cmd),$(2) $(3)))
$(Q)said=$(@:.o=.warnings); \
$(2) $(3) $(werror) -MMD -MP -MF $(@:.o=.d) -c $(1) -o $@ 2>$$said || failed=yes; \
if [ -s $$said ]; then cat $$said >&2; else rm $$said; fi; [ -z "$$failed" ]
endef

# Where warnings are errors, an object that was compiled with some is not good enough.
ifneq ($(werror),)
$(patsubst %.warnings,%.o,$(wildcard $(patsubst %.o,%.warnings,$(ALL_OBJECTS)))): FORCE
endif

$(B)/obj/%.o: %.cc $(B)/flags/cc $$(call module_flags,$$(@D)) | $(GENERATED_HEADERS) $$(@D)/.
	$(call say,CXX,$<)
	$(call compile,$<,$(CXX),$(BASE_CPPFLAGS) $(CPPFLAGS) $(BASE_CXXFLAGS) $(CXXFLAGS))

define compile_c
	$(call say,CC,$<)
	$(call compile,$<,$(CC),$(BASE_CPPFLAGS) $(CPPFLAGS) $(BASE_CFLAGS) $(CFLAGS))
endef
$(B)/obj/%.o: %.c $(B)/flags/c $$(call module_flags,$$(@D)) | $(GENERATED_HEADERS) $$(@D)/.
	$(compile_c)
$(B)/obj/unsanitized/%.o: private sanitizer :=
$(B)/obj/unsanitized/%.o: %.c $(B)/flags/c | $(GENERATED_HEADERS) $$(@D)/.
	$(compile_c)

%/.:
	@mkdir -p $@

# A module's own flags count as well, but adding a source to it must not rebuild the rest: the lines
# of module.mk that speak of flags are remembered apart, each made a single word.
module_flags = $(if $(filter $(modules),$(patsubst $(B)/obj/%,%,$(1))),\
  $(B)/flags/modules/$(patsubst $(B)/obj/%,%,$(1)).mk)
flag_lines := $(shell grep FLAGS /dev/null $(modules:=/module.mk) | tr ' \t' '~~')
$(shell mkdir -p $(addprefix $(B)/flags/modules/,$(dir $(modules))))
$(foreach module,$(modules),$(call remember,$(filter $(module)/module.mk:%,$(flag_lines)),modules/$(module).mk))

.PRECIOUS: %/.
-include $(patsubst %.o,%.d,$(sort $(ALL_OBJECTS)))
