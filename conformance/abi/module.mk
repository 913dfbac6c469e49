# The ABI gates: registries, headers, linker maps and libraries against each other and against the
# distribution's. gates_test.py breaks everything once and expects to be told.
abi_gates := $(wildcard conformance/abi/*.py conformance/abi/*.c conformance/abi/*.tsv)
abi_python := python3 -B conformance/abi

$(eval $(call check,abi-registry,$(abi_python)/registry_gate.py $(B),120,all $(abi_maps) $(abi_gates)))
$(eval $(call check,abi-binaries,$(abi_python)/binary_gate.py $(B),60,all))
# The rest asks nothing of a library that depends on how it was compiled.
ifeq ($(SAN),)
$(eval $(call check,abi-compare,$(abi_python)/compare_gate.py $(B),120,all))
$(eval $(call check,abi-headers,$(abi_python)/header_gate.py $(B),180))
$(eval $(call check,abi-probe,$(abi_python)/probe.py $(B),180))
$(eval $(call check,abi-compile,$(abi_python)/compile_gate.py $(B),300))
ifneq ($(strip $(event_SRC)),)
$(eval $(call check,abi-link,$(abi_python)/link_gate.py $(B),300,all))
$(eval $(call check,abi-gates,$(abi_python)/gates_test.py $(B),600,all $(abi_maps)))
endif
endif
