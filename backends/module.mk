# The backends, by the kernels that they need. kqueue.cc is compiled on Linux by its tests alone.
backends_PORTABLE_SRC := $(addprefix backends/,backends.cc poll.cc select.cc stub.cc)
backends_LINUX_SRC := backends/epoll.cc
backends_BSD_SRC := backends/kqueue.cc

# Somebody has to ask for any of these where there is one that the kernel itself keeps.
$(call object_names,$(backends_PORTABLE_SRC)): CXXFLAGS += $(SMALL_FLAGS)
backends_SRC := $(backends_LINUX_SRC) $(backends_PORTABLE_SRC)
backends_OBJ := $(call objects,$(backends_SRC))
