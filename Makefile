# pollshim: the whole build, from an empty Debian to an installed library. `make help` lists what it
# can do. This file owns the order of things; the rooms under make/ own the parts, and every module
# says in its module.mk what it is made of (.make/functions.mk has the words it uses).
# Nothing is ever written outside the build tree, except by install and uninstall.

# The single-letter options make was called with: n, q and their like.
short_flags := $(filter-out --%,$(firstword -$(MAKEFLAGS)))
MAKEFLAGS += --no-builtin-rules --no-builtin-variables
# Every processor, unless somebody says otherwise: a -j on the command line beats this one, and one in
# the environment, or a make above this one, has made the choice already.
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += $(shell case " $$MAKEFLAGS" in (*\ -j*|*\ --jobs*|\ j*) ;; (*) echo -j$$(nproc) ;; esac)
endif
.SUFFIXES:
.DELETE_ON_ERROR:
.SECONDEXPANSION:
.DEFAULT_GOAL := all
SHELL := /bin/sh

# ---- what the command line chooses ---------------------------------------------------------------
#   CXX=clang++               another compiler, in a tree of its own
#   SAN=address|undefined|thread   a sanitizer, in a tree of its own
#   OPT='-O0 -g3'             optimisation and debugging flags
#   WERROR=1                  warnings are errors (always so in check and lint)
#   CONFIGURE_FLAGS='--prefix=/usr --enable-system-names'   remembered by the build tree
#   ONLY='event* unit-core'   which checks to run
#   B=DIRECTORY               the build tree itself
#   V=1                       show the commands
#   -jN                       so many jobs at a time instead of one for each processor
SAN ?=
ifneq ($(filter undefined default,$(origin CXX)),)
CXX := g++
endif
ifneq ($(filter undefined default,$(origin CC)),)
CC := $(patsubst g++%,gcc%,$(patsubst clang++%,clang%,$(CXX)))
endif
empty :=
comma := ,
space := $(empty) $(empty)
B ?= $(subst $(space),-,$(strip build $(filter-out g++,$(notdir $(firstword $(CXX)))) $(SAN)))
root := $(CURDIR)
# One name for one tree, whoever calls: the flags that objects depend on have it in them.
override B := $(patsubst $(root)/%,%,$(abspath $(B)))
Q := $(if $(V),,@)

ifneq ($(filter-out address undefined thread,$(SAN)),)
$(error SAN must be address, undefined or thread, not '$(SAN)')
endif
ifneq ($(filter command,$(foreach v,CFLAGS CXXFLAGS CPPFLAGS LDFLAGS LDLIBS,$(origin $v))),)
$(error CFLAGS and its like belong to the modules; give OPT='...' on the command line instead)
endif

goals := $(or $(MAKECMDGOALS),all)
# These need neither packages nor a configured tree.
ifneq ($(filter-out help clean distclean,$(goals)),)
configured := yes
endif
ifneq ($(filter check lint,$(goals)),)
WERROR ?= 1
endif

.PHONY: all help clean distclean FORCE
all:

ifdef configured
include .make/packages.mk
include .make/configure.mk
include .make/flags.mk
endif
include .make/functions.mk
ifdef configured
# Arrows point one way: a module may use the variables of those before it.
modules := core backends compat/view compat/native compat/event $(patsubst %/module.mk,%,\
  $(wildcard compat/event/*/module.mk)) compat/ev compat/abi compat/cmake compat/swap compat/include \
  conformance/harness conformance/build $(patsubst %/module.mk,%,$(wildcard conformance/*/module.mk)) man
modules := $(call unique,$(patsubst %/module.mk,%,$(wildcard $(modules:=/module.mk))))
include $(modules:=/module.mk)
include .make/check.mk .make/lint.mk .make/cross.mk .make/install.mk
include .make/rules.mk
endif

help:
	@sed -n 's/^#: //p' Makefile .make/*.mk $(wildcard */module.mk */*/module.mk */*/*/module.mk)

#: make                 build the libraries and the command into build/
#: make clean           remove what was built, keep the configuration
#: make distclean       remove every build tree
clean:
	rm -rf $(B)/obj $(B)/bin $(B)/lib $(B)/gen $(B)/checks $(B)/lint $(B)/cross

distclean:
	rm -rf build build-*
