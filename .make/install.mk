# `make install` and its inverse. A module appends what it has to offer:
#   INSTALL_LIBS     files and links of $(B)/lib/pollshim (shared_library and static_library do it)
#   INSTALL_BIN      programs
#   INSTALL_HEADERS  headers; the part of their path below compat/include is kept
#   INSTALL_PC       pkg-config files for the installed tree
#   INSTALL_CMAKE    package configuration files of libevent for CMake, likewise
#   INSTALL_COMPLETION   bash completions, NAME.bash
#   INSTALL_MAN      manual pages; the suffix names the section
# They go to lib/pollshim and include/pollshim, where nothing of the distribution is overwritten; with
# --enable-system-names to lib and include themselves. DESTDIR is honoured, and prefix on the command
# line as well: it changes nothing in the build tree, only what is made for that destination below
# $(install_gen).

#: make install         install below prefix (CONFIGURE_FLAGS=--prefix=...; DESTDIR is honoured)
#: make uninstall       remove exactly what install puts there
.PHONY: install uninstall
# SOURCE:DESTINATION of every file.
installed := $(foreach f,$(INSTALL_LIBS),$f:$(pkglibdir)/$(patsubst $(B)/lib/pollshim/%,%,$f)) \
  $(foreach f,$(INSTALL_BIN),$f:$(bindir)/$(notdir $f)) \
  $(foreach f,$(INSTALL_HEADERS),$f:$(pkgincludedir)/$(patsubst compat/include/%,%,$f)) \
  $(foreach f,$(INSTALL_PC),$f:$(pkgconfigdir)/$(notdir $f)) \
  $(foreach f,$(INSTALL_CMAKE),$f:$(pkglibdir)/cmake/libevent/$(notdir $f)) \
  $(foreach f,$(INSTALL_COMPLETION),$f:$(datarootdir)/bash-completion/completions/$(basename $(notdir $f))) \
  $(foreach f,$(INSTALL_MAN),$f:$(mandir)/man$(patsubst .%,%,$(suffix $f))/$(notdir $f))

install: all $(INSTALL_LIBS) $(INSTALL_BIN) $(INSTALL_HEADERS) $(INSTALL_PC) $(INSTALL_CMAKE) \
  $(INSTALL_COMPLETION) $(INSTALL_MAN)
	@.make/install-files '$(DESTDIR)' $(installed)

uninstall:
	@.make/install-files --remove '$(DESTDIR)' $(installed)
