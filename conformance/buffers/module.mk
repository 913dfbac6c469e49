# Suites of buffers, bufferevents, listeners and TLS. Each is one binary against the public API, and
# runs twice: on the distribution's libevent, where every expectation was proven, and on ours.
buffer_suite_SRC := $(addprefix conformance/buffers/,append.c buffer_main.c file.c lines.c locking.c \
  memory.c notify.c search.c share.c space.c support.c take.c transfer.c)
$(eval $(call suite,buffer-suite,$(buffer_suite_SRC),-levent -levent_pthreads))
$(eval $(call check,buffer-original,$(B)/bin/buffer-suite -j 2,120,$(B)/bin/buffer-suite))
