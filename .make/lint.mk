# `make lint`: clang-format over every C and C++ file of ours, clang-tidy over every source that a
# module compiles, with the very flags it was compiled with. A file that passed is not looked at again
# until it, something it includes, or the rules change.

#: make lint            clang-format and clang-tidy, on what changed since they were last content
#: make format          let clang-format rewrite every file of ours
#: make compile-commands   write compile_commands.json into the build tree, for editors
.PHONY: lint format compile-commands
CLANG_FORMAT ?= clang-format
CLANG_TIDY ?= clang-tidy
# The headers of libev are laid out by hand: a program can turn their macros into strings, so each is
# spelt as the original's, and the brace in EV_CPP would indent all that follows.
laid_out_by_hand := $(addprefix compat/include/,ev.h ev++.h libev/event.h)
own_files = $(filter-out $(laid_out_by_hand),$(sort $(shell find core backends compat conformance \
  -name '*.[ch]' -o -name '*.cc' -o -name '*.hh' -o -name '*.[ch]pp' 2>/dev/null)))
compiled_sources = $(sort $(ALL_SOURCES))

lint: $(own_files:%=$(B)/lint/%.formatted) $(compiled_sources:%=$(B)/lint/%.tidy)

$(B)/lint/%.formatted: % .clang-format
	$(call say,FORMAT,$<)
	@mkdir -p $(@D)
	$(Q)$(CLANG_FORMAT) --dry-run -Werror $< 2>$@.err && touch $@ || \
	  { head -n 3 $@.err; echo '... make format would mend $<'; exit 1; } >&2
	@rm -f $@.err

tidy_rules := .clang-tidy conformance/.clang-tidy
# What gcc alone understands means nothing to clang-tidy.
tidy_flags = $(filter-out -flto% -ffat-lto-objects -fsanitize% -Wno-format-truncation,\
  $(filter -%,$(file <$(B)/obj/$(basename $<).cmd)))
define tidy_recipe
	$(call say,TIDY,$<)
	@mkdir -p $(@D)
	$(Q)$(CLANG_TIDY) --quiet $< -- $(tidy_flags) 2>$@.err || { cat $@.err >&2; exit 1; }
	@rm -f $@.err && touch $@
endef
$(B)/lint/%.cc.tidy: %.cc $(tidy_rules) $(B)/obj/%.o
	$(tidy_recipe)
$(B)/lint/%.c.tidy: %.c $(tidy_rules) $(B)/obj/%.o
	$(tidy_recipe)

format:
	@$(CLANG_FORMAT) -i $(own_files)

# Every object left its command line beside itself when it was compiled.
compile-commands: $(sort $(ALL_OBJECTS))
	@{ between='['; for source in $(compiled_sources); do \
	  command=$$(sed 's/["\\]/\\&/g' "$(B)/obj/$${source%.*}.cmd"); \
	  printf '%s\n{"directory": "%s", "file": "%s", "command": "%s -c %s"}' \
	    "$$between" '$(root)' "$$source" "$$command" "$$source"; between=,; \
	  done; printf '\n]\n'; } >$(B)/compile_commands.json
	$(call say,WROTE,$(B)/compile_commands.json)
