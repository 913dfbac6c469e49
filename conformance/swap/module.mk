# The suites of the command and of the view into loops.

swap_test_SRC := $(addprefix conformance/swap/,swap_test.c check_test.c run_test.c doctor_test.c top_test.c publisher.c places.c outcome.c)
view_test_SRC := $(addprefix conformance/swap/,view_test.c outcome.c)

$(eval $(call program,fake-loop,conformance/swap/fake_loop.cc $(view_SRC)))
$(eval $(call suite,view-tests,$(view_test_SRC)))
$(eval $(call suite,swap-tests,$(swap_test_SRC)))

specimen_sources := $(addprefix conformance/swap/,specimens.sh event_user.c ev_user.c \
  event_worker.c ev_worker.c)
$(B)/specimens/static: $(specimen_sources)
	@echo '  MAKE    $(B)/specimens'
	$(Q)CC='$(CC)' sh conformance/swap/specimens.sh $(B)/specimens
	@touch $@

$(eval $(call check,view,$(B)/bin/view-tests,60,$(B)/bin/view-tests $(B)/bin/fake-loop))
$(eval $(call check,swap,$(B)/bin/swap-tests,180,\
  $(B)/bin/swap-tests $(B)/bin/fake-loop $(B)/bin/pollshim $(B)/specimens/static))

$(eval $(call check,completion,conformance/swap/completion-test,30,compat/swap/pollshim.bash))
$(eval $(call check,swap-damage,conformance/swap/damage $(B)/bin/pollshim $(B)/specimens/event-user,90,\
  $(B)/bin/pollshim $(B)/specimens/static))

ifneq ($(SAN),)
# A sanitizer would have to come first in every process that is swapped, so its trees swap in copies of the originals.
$(B)/standin/libev.so.4:
	@mkdir -p $(@D)
	$(Q)for name in libevent libevent_core libevent_extra libevent_pthreads libevent_openssl; do \
	  cp "$$($(CC) -print-file-name=$$name.so)" $(@D)/$$name-2.1.so.7 || exit; done
	$(Q)cp "$$($(CC) -print-file-name=libev.so)" $@
swap_standin := POLLSHIM_LIBRARIES=$(abspath $(B)/standin) $(if $(filter address,$(SAN)),ASAN_OPTIONS=verify_asan_link_order=0)
check_command_swap := $(swap_standin) $(check_command_swap)
check_command_swap-damage := $(swap_standin) $(check_command_swap-damage)
check_needs_swap += $(B)/standin/libev.so.4
check_needs_swap-damage += $(B)/standin/libev.so.4
else

# The view into loops of real libraries.
$(eval $(call suite,view-libraries-tests,$(addprefix conformance/swap/,view_libraries_test.c publisher.c places.c outcome.c)))
$(eval $(call check,view-libraries,$(B)/bin/view-libraries-tests,90,\
  $(B)/bin/view-libraries-tests $(B)/bin/pollshim $(INSTALL_LIBS) $(B)/specimens/static))

# Many faces in one process: linked to the distribution's libraries and run on ours, as programs are.
faces_tls := $(if $(filter %/libevent_openssl-2.1.so.7,$(INSTALL_LIBS)),-levent_openssl)
faces_all := -Wl,--no-as-needed -levent -levent_core -levent_extra -levent_pthreads $(faces_tls) -lev
faces_test_SRC := conformance/swap/faces_test.c conformance/swap/faces_ev.c
$(B)/obj/conformance/swap/faces%.o: CPPFLAGS += $(if $(faces_tls),-DWITH_TLS)
$(eval $(call suite,faces-tests,$(faces_test_SRC),$(faces_all)))
$(eval $(call suite,faces-libev-first-tests,$(faces_test_SRC),-Wl$(comma)--no-as-needed -lev $(faces_all)))
$(eval $(call suite,faces-bare-tests,conformance/swap/faces_bare_test.c))

faces_on_ours := LD_LIBRARY_PATH=$(abspath $(B)/lib/pollshim)
faces_proof := --library $(abspath $(B)/lib/pollshim)
$(eval $(call check,faces,$(faces_on_ours) $(B)/bin/faces-tests $(faces_proof),60,$(B)/bin/faces-tests $(INSTALL_LIBS)))
$(eval $(call check,faces-bare,$(faces_on_ours) $(B)/bin/faces-bare-tests $(faces_proof),60,\
  $(B)/bin/faces-bare-tests $(INSTALL_LIBS)))
# The names that both libraries export are libev's here, as they would be with the originals.
$(eval $(call check,faces-libev-first,FIRST=libev.so.4 $(faces_on_ours) $(B)/bin/faces-libev-first-tests $(faces_proof) \
  'a_loop_of_each*' 'calls_inside*' 'the_first_in*',60,$(B)/bin/faces-libev-first-tests $(INSTALL_LIBS)))
endif
