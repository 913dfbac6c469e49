# The tests of the build itself.
$(eval $(call check,build,conformance/build/build-test,240))

# Run when everything is built, so whatever make still wants to do is a missing or wrong dependency.
build_nothing_left := $(MAKE) --no-print-directory --question B=$(B) all
$(eval $(call check,build-nothing-left,$(build_nothing_left),20,all))

# Everything that is to be installed lands below the destination, and leaves nothing when it goes.
ifneq ($(strip $(INSTALL_LIBS)),)
$(eval $(call check,build-install,conformance/build/install-test,60,all))
endif
