# The demonstration, and what it needs besides the packages of .make/packages.mk.

#: make demo            run unmodified programs on the originals and on ours, and show the difference
.PHONY: demo
$(eval $(call program,demo-server,conformance/demo/server.c,-levent_core))
demo: $(B)/bin/pollshim $(B)/bin/demo-server $(INSTALL_LIBS)
	@conformance/demo/demo $(B) $(DEMO_FLAGS)
