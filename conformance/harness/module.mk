# The test harness, the runner of checks, and the tests of both.
harness_SRC := $(addprefix conformance/harness/,harness.c loaded_library.c supervise.c)
HARNESS := $(call objects,$(harness_SRC)) -lcmocka

$(eval $(call program,run-checks,$(addprefix conformance/harness/,run-checks.c supervise.c)))

# The second is the first with an event library of the system linked in, for the tests of --library.
$(eval $(call suite,harness-specimens,conformance/harness/specimens.c))
$(eval $(call suite,harness-specimens-linked,conformance/harness/specimens.c,-levent_core))
$(B)/bin/harness-specimens-linked: LDFLAGS += -Wl,--no-as-needed

$(eval $(call suite,harness-tests,conformance/harness/harness_test.c))
$(eval $(call check,harness,$(B)/bin/harness-tests,60,$(addprefix $(B)/bin/,harness-tests \
  harness-specimens harness-specimens-linked run-checks)))
