# Old projects, relinked.
ifeq ($(SAN),)
$(eval $(call check,relink,conformance/relink/relink $(B),180,$(INSTALL_LIBS) $(B)/bin/pollshim))
endif
