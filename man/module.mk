# The manual pages.
man_pages := $(wildcard man/*.[1-9])
INSTALL_MAN += $(man_pages)
$(eval $(call check,man,man/lint $(man_pages),60,$(man_pages)))
