# The Debian packages that the build needs, all of them, in groups. `make GOAL` wants the group
# `build`, and the group called GOAL if there is one (check also stands for every check-*).
# .make/install-packages asks dpkg first, and apt only for what is missing; without root it prints the
# command to run. On a system without dpkg, configure is the one to say what is missing.

packages_build := g++ gcc libc6-dev autoconf pkg-config libssl-dev libelf-dev
packages_check = bash automake cmake groff-base mandoc libcmocka-dev libevent-dev libev-dev abigail-tools \
  strace binutils openssl procps python3 iproute2 clang \
  $(call packages_of_cases,memcached unbound inetd nghttp2 hitch gevent remctl)
# What the cases of conformance/programs name as theirs; check runs the few above.
packages_of_cases = $(sort $(shell cd conformance/programs/cases 2>/dev/null && \
  sed -n 's/^\# packages: //p' $(1:=.sh)))
packages_check-programs = iproute2 util-linux $(call packages_of_cases,*)
packages_check-footprint = $(packages_check-programs)
packages_bench = $(packages_check) gnuplot-nox valgrind memcached libmemcached-tools nghttp2-proxy \
  nghttp2-client nghttp2-server
packages_demo := libevent-dev memcached libmemcached-tools nghttp2-server nghttp2-client python3 strace
packages_lint = clang clang-format clang-tidy $(packages_check)
packages_fuzz = clang $(packages_check)
# A node from elsewhere brings its own npm, and conflicts with Debian's.
# musl brings the loader that runs what was made for it.
packages_cross = lld llvm musl $(if $(shell command -v npm),,nodejs npm)

wanted_packages := $(packages_build) $(foreach goal,$(filter-out build,$(goals)),\
  $(packages_$(goal)) $(if $(filter check-%,$(goal)),$(packages_check)))
wanted_packages += $(if $(findstring clang,$(CXX)),clang llvm)

# Not under make -n, which changes nothing.
ifeq ($(findstring n,$(short_flags))$(if $(shell command -v dpkg-query),,none),)
packages_answer := $(shell .make/install-packages $(sort $(wanted_packages)) >&2 || echo failed)
ifneq ($(packages_answer),)
$(error the packages above are missing)
endif
endif
