# Suites of buffers, bufferevents, listeners and TLS. Each is one binary against the public API, and
# runs twice: on the distribution's libevent, where every expectation was proven, and on ours.
buffer_suite_SRC := $(addprefix conformance/buffers/,append.c buffer_main.c file.c lines.c locking.c \
  memory.c notify.c search.c share.c space.c support.c take.c transfer.c)
$(eval $(call suite,buffer-suite,$(buffer_suite_SRC),-levent -levent_pthreads))
$(eval $(call check,buffer-original,$(B)/bin/buffer-suite -j 2,120,$(B)/bin/buffer-suite))

# A million random operations against a plain byte array; prints a digest of all it saw.
buffer_model_SRC := $(addprefix conformance/buffers/,model.c model_main.c model_operations.c)
$(eval $(call program,buffer-model,$(buffer_model_SRC),-levent))
$(eval $(call check,buffer-model-original,$(B)/bin/buffer-model,60,$(B)/bin/buffer-model))
