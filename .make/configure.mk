# From configure.ac to $(B)/config.h and $(B)/config.mk, all inside the build tree. Make remakes
# config.mk like any file it includes, and then starts over with what was found.

# What was asked for last stays until something else is asked for.
configure_memory := $(B)/configure.flags
ifneq ($(origin CONFIGURE_FLAGS),undefined)
$(shell mkdir -p $(B))
ifneq ($(CONFIGURE_FLAGS),$(file <$(configure_memory)))
$(file >$(configure_memory),$(CONFIGURE_FLAGS))
endif
endif

$(configure_memory):
	@mkdir -p $(@D)
	@touch $@

# The copy makes the build tree autoconf's source directory: nothing lands beside configure.ac.
$(B)/configure: configure.ac
	@echo '  AUTOCONF $@'
	@mkdir -p $(@D)
	@cp configure.ac $(B)/configure.ac
	@cd $(B) && rm -rf autom4te.cache && autoheader && autoconf && rm -rf autom4te.cache
	@touch $@

$(B)/config.mk: $(B)/configure .make/config.mk.in $(configure_memory)
	@echo '  CONFIGURE $(B) $(file <$(configure_memory))'
	@cd $(B) && CC='$(CC)' CXX='$(CXX)' ./configure --quiet --srcdir=$(root) \
	  $(file <$(configure_memory)) >configure.out 2>&1 || { cat configure.out; exit 1; }
	@touch $@

include $(B)/config.mk

# Where an installation goes. What is made for one destination lies apart, so that another prefix on the
# command line of `make install` leaves the rest of the tree as it is.
own := $(if $(filter yes,$(system_names)),,/pollshim)
pkglibdir := $(libdir)$(own)
pkgincludedir := $(includedir)$(own)
pkgconfigdir := $(pkglibdir)/pkgconfig
install_gen := $(B)/gen/for$(pkglibdir)
