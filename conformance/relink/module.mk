# Old projects, relinked: enabled for what there is of our libraries.
relink_libraries := $(if $(filter %/libevent_openssl-2.1.so.7,$(swap_ours)),event) $(if $(filter %/libev.so.4,$(swap_ours)),ev)

ifneq ($(strip $(relink_libraries)),)
$(eval $(call check,relink,conformance/relink/relink $(B) $(relink_libraries),180,$(INSTALL_LIBS) $(B)/bin/pollshim))
endif
