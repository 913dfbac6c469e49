# The backends, by the kernels that they need. kqueue.cc is compiled on Linux by its tests alone.
backends_PORTABLE_SRC := $(addprefix backends/,backends.cc poll.cc select.cc stub.cc)
backends_LINUX_SRC := backends/epoll.cc
backends_BSD_SRC := backends/kqueue.cc

backends_SRC := $(backends_PORTABLE_SRC) $(backends_LINUX_SRC)
backends_OBJ := $(call objects,$(backends_SRC))
