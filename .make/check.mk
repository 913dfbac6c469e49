# `make check`: everything built, every check run by run-checks, which ends with the line
# "N passed, N failed". The checks themselves are the modules'.

#: make check           build everything and run every check (ONLY='GLOB...' for some of them)
#: make list-checks     print the names of the checks
.PHONY: check list-checks
ONLY ?= *
selected_checks := $(shell set -f; for name in $(CHECKS); do for glob in $(ONLY); do \
  case $$name in ($$glob) echo $$name; break;; esac; done; done)
define newline


endef
tab := $(empty)	$(empty)
# foreach puts a space between its results; here it would become part of the next name.
check_list = $(subst $(newline) ,$(newline),$(foreach name,$(selected_checks),$(strip \
  $(name))$(tab)$(check_seconds_$(name))$(tab)$(check_command_$(name))$(newline)))

export B CC CXX SAN
check: $(if $(filter *,$(ONLY)),all) $(foreach name,$(selected_checks),$(check_needs_$(name))) $(B)/bin/run-checks | $(B)/checks/.
	$(file >$(B)/checks/list,$(check_list))
	@$(B)/bin/run-checks -l $(B)/checks $(B)/checks/list

list-checks:
	@printf '%s\n' $(CHECKS)
