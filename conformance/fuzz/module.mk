# Fuzzing: for every target one C file and its seeds. `make check` gives the seeds to the original
# library and to ours and compares what they answer; `make fuzz` lets libFuzzer look for more, on the
# engine compiled by clang with sanitizers, and then compares what it has found.
# A new target: conformance/fuzz/NAME.c, conformance/fuzz/seeds/NAME.txt, and a word in this line.
fuzz_targets := util lines

$(B)/obj/conformance/fuzz/%.o: CFLAGS += -DREPLAY
fuzz_replay_SRC := conformance/fuzz/replay.c conformance/harness/loaded_library.c

# ---- replay ------------------------------------------------------------------------------------------
# $(call fuzz_replayed,NAME)
define fuzz_replayed
$(eval $(call program,fuzz-$(1),conformance/fuzz/$(1).c $(fuzz_replay_SRC),-levent))
$(eval $(call check,fuzz-$(1),conformance/fuzz/compare $(B)/bin/fuzz-$(1) $(event_ours) \
  conformance/fuzz/seeds/$(1).txt,60,$(B)/bin/fuzz-$(1) all))
endef
$(foreach target,$(fuzz_targets),$(eval $(call fuzz_replayed,$(target))))

# ---- libFuzzer ---------------------------------------------------------------------------------------
#: make fuzz             let libFuzzer look for crashes (FUZZ_SECONDS=60 for each of FUZZ='util ...')
.PHONY: fuzz
FUZZ ?= $(fuzz_targets)
FUZZ_SECONDS ?= 60
FUZZ_CC ?= clang
FUZZ_CXX ?= clang++
fuzz_FLAGS := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
fuzz_CXXFLAGS := -std=c++20 -fno-exceptions -fno-rtti -fno-threadsafe-statics $(fuzz_FLAGS)
fuzz_SRC := $(event_SRC) $(view_event_SRC) $(core_SRC) $(backends_SRC)
fuzz_OBJ := $(fuzz_SRC:%.cc=$(B)/fuzz/obj/%.o)

# Not of ALL_OBJECTS: these flags are theirs alone, whatever the tree is built with.
$(B)/fuzz/obj/%.o: %.cc
	$(call say,FUZZCXX,$<)
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CXX) $(BASE_CPPFLAGS) -Icompat/include -Devent_shared_EXPORTS $(fuzz_CXXFLAGS) \
	  -fsanitize=fuzzer-no-link -MMD -MP -c $< -o $@
$(B)/fuzz/obj/%.o: %.c
	$(call say,FUZZCC,$<)
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(BASE_CPPFLAGS) -Icompat/include $(fuzz_FLAGS) -fsanitize=fuzzer-no-link -MMD -MP -c $< -o $@
.SECONDARY: $(fuzz_OBJ) $(fuzz_targets:%=$(B)/fuzz/obj/conformance/fuzz/%.o) $(fuzz_targets:%=$(B)/fuzz/%)
-include $(wildcard $(fuzz_OBJ:.o=.d) $(fuzz_targets:%=$(B)/fuzz/obj/conformance/fuzz/%.d))

$(B)/fuzz/%: $(B)/fuzz/obj/conformance/fuzz/%.o $(fuzz_OBJ)
	$(call say,FUZZ,$@)
	$(Q)$(FUZZ_CXX) $(fuzz_FLAGS) -fsanitize=fuzzer -o $@ $^

# The corpus grows from run to run, in the build tree; an input that ends the process stays beside it.
fuzz: $(FUZZ:%=fuzz-run-%)
fuzz-run-%: $(B)/fuzz/% $(B)/bin/fuzz-% all
	@mkdir -p $(B)/fuzz/corpus/$*
	$(B)/bin/fuzz-$* conformance/fuzz/seeds/$*.txt --write $(B)/fuzz/corpus/$*
	$(B)/fuzz/$* -max_total_time=$(FUZZ_SECONDS) -max_len=512 -timeout=10 -print_final_stats=1 \
	  -artifact_prefix=$(B)/fuzz/$*- $(B)/fuzz/corpus/$*
	conformance/fuzz/compare $(B)/bin/fuzz-$* $(event_ours) --raw $(B)/fuzz/corpus/$*
