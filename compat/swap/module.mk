# The `pollshim` command.

swap_SRC := $(addprefix compat/swap/,main.cc run.cc check.cc doctor.cc top.cc target.cc closure.cc search.cc \
  families.cc elf_file.cc page_reader.cc memory.cc)

$(eval $(call program,pollshim,$(swap_SRC),$(LIBELF_LIBS)))
$(B)/obj/compat/swap/%.o: CXXFLAGS += $(LIBELF_CFLAGS)
# Where to look when the libraries are not beside the command: what the installation will be told.
$(B)/obj/compat/swap/families.o: CPPFLAGS += -DPOLLSHIM_INSTALLED_LIBRARIES='"$(pkglibdir)"'
$(B)/obj/compat/swap/families.o: $(B)/flags/directories
all: $(B)/bin/pollshim
INSTALL_BIN += $(B)/bin/pollshim
INSTALL_COMPLETION += compat/swap/pollshim.bash
