# The package configuration for CMake: once for the build tree, once for where it will be installed. There it names the headers
# relative to itself, so that an installation can be moved.
cmake_build := $(B)/lib/pollshim/cmake/libevent
cmake_gen := $(install_gen)/cmake

$(cmake_build)/LibeventConfig.cmake: compat/cmake/LibeventConfig.cmake.in compat/cmake/module.mk
	@mkdir -p $(@D)
	$(Q)sed 's|@includedir@|$(root)/compat/include|' $< >$@
$(cmake_gen)/LibeventConfig.cmake: compat/cmake/LibeventConfig.cmake.in FORCE
	@mkdir -p $(@D)
	$(Q)sed "s|@includedir@|$$(realpath -m --relative-to='$(pkglibdir)' '$(pkgincludedir)')|" $< >$@
$(cmake_build)/LibeventConfigVersion.cmake $(cmake_gen)/LibeventConfigVersion.cmake: compat/cmake/LibeventConfigVersion.cmake
	@mkdir -p $(@D)
	$(Q)cp $< $@

all: $(cmake_build)/LibeventConfig.cmake $(cmake_build)/LibeventConfigVersion.cmake
INSTALL_CMAKE += $(cmake_gen)/LibeventConfig.cmake $(cmake_gen)/LibeventConfigVersion.cmake
