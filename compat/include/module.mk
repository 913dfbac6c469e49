# The public headers, exactly as they are installed.
INSTALL_HEADERS += $(wildcard compat/include/*.h compat/include/*/*.h)
