# The suites of the command and of the view into loops.

swap_test_SRC := conformance/swap/outcome.c

$(eval $(call program,fake-loop,conformance/swap/fake_loop.cc $(view_SRC)))
$(eval $(call suite,view-tests,conformance/swap/view_test.c $(swap_test_SRC)))
$(eval $(call check,view,$(B)/bin/view-tests,60,$(B)/bin/view-tests $(B)/bin/fake-loop))
