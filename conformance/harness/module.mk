# The test harness, the runner of checks, and the tests of both.
harness_SRC := $(addprefix conformance/harness/,harness.c loaded_library.c supervise.c)
HARNESS := $(call objects,$(harness_SRC)) -lcmocka

$(eval $(call program,run-checks,conformance/harness/run-checks.c conformance/harness/supervise.c))
$(eval $(call suite,harness-specimens,conformance/harness/specimens.c))
$(eval $(call suite,harness-tests,conformance/harness/harness_test.c))
$(eval $(call check,harness,$(B)/bin/harness-tests,60,$(B)/bin/harness-tests $(B)/bin/harness-specimens))
