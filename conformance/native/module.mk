# The native API from the outside: a C program that knows netpoll.h and libnetpoll.so.1 alone, on
# every backend that this system has; and the sample, at work.

native_library := $(B)/lib/pollshim/libnetpoll.so.1
$(eval $(call suite,native-tests,conformance/native/native_test.c,$(native_library)))
$(eval $(call suite,native-lead-tests,conformance/native/lead_test.c,$(native_library)))
$(B)/obj/conformance/native/%.o: CPPFLAGS += -Icompat/include
$(B)/bin/native-tests $(B)/bin/native-lead-tests: LDFLAGS += -Wl,-rpath,$(abspath $(B)/lib/pollshim)
$(B)/bin/native-tests $(B)/bin/native-lead-tests: LDLIBS += -pthread
$(foreach backend,epoll poll select,$(eval $(call check,native-$(backend),\
  env NETPOLL_TEST_BACKEND=$(backend) $(B)/bin/native-tests,120,$(B)/bin/native-tests))\
  $(eval $(call check,native-lead-$(backend),env NETPOLL_TEST_BACKEND=$(backend) \
  $(B)/bin/native-lead-tests --limit 60,120,$(B)/bin/native-lead-tests)))

$(eval $(call program,netpoll-echo,compat/native/sample/echo.c,$(native_library)))
$(B)/obj/compat/native/sample/%.o: CPPFLAGS += -Icompat/include
$(B)/bin/netpoll-echo: LDFLAGS += -Wl,-rpath,$(abspath $(B)/lib/pollshim)
$(B)/bin/netpoll-echo: LDLIBS += -pthread
$(eval $(call check,native-sample,conformance/native/echo-check $(B)/bin/netpoll-echo,60,$(B)/bin/netpoll-echo))
native_CROSS_PROGRAMS := compat/native/sample/echo.c
native_CROSS_CHECK := conformance/native/echo-check
