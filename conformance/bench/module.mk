# The benchmark: programs that are compiled once against the public API, with Debian's headers, and
# run with each library found first. bench.py runs them, rows.py lists them.

#: make bench           measure everything, ours beside its peers (ROW='NAME...' some rows, QUICK=1)
bench_dir := conformance/bench
bench_programs :=

# A row of the loops is one source and one object for each engine, whose header it includes.
# $(call bench_object,ROW,ENGINE)
bench_object = $(B)/obj/$(bench_dir)/$(1)-$(2).o
define bench_engine
ALL_OBJECTS += $(call bench_object,$(1),$(2))
$(call bench_object,$(1),$(2)): CPPFLAGS += '-DENGINE="$(bench_dir)/engine_$(2).h"'
$(call bench_object,$(1),$(2)): $(bench_dir)/$(1).c $(B)/flags/c $(B)/flags/modules/$(bench_dir).mk | $(B)/obj/$(bench_dir)/.
	$$(call say,CC,$$@)
	$$(call compile,$$<,$$(CC),$$(BASE_CPPFLAGS) $$(CPPFLAGS) $$(BASE_CFLAGS) $$(CFLAGS))
endef

# $(call bench_program,NAME,SOURCES,OBJECTS_OR_LIBS)
define bench_program
bench_programs += $(B)/bin/bench/$(1)
$(call program,bench/$(1),$(addprefix $(bench_dir)/,bench.c $(2)),$(3))
endef

# $(call bench_loop,ROW,ENGINE,NAME,LIBS)
define bench_loop
$(call bench_engine,$(1),$(2))
$(call bench_program,$(1)-$(3),,$(call bench_object,$(1),$(2)) $(4))
endef

bench_event_libs := -levent_core -levent_pthreads
$(foreach row,chain churn oneshot timers active wake idle,\
  $(eval $(call bench_loop,$(row),event,event,$(bench_event_libs))))
$(eval $(call bench_loop,startup,event,event,-levent))
$(foreach row,chain churn oneshot timers active wake idle startup,\
  $(eval $(call bench_loop,$(row),ev,ev,-lev)))
$(foreach row,chain oneshot timers wake startup,$(eval $(call bench_loop,$(row),epoll,floor)))

$(eval $(call bench_program,buffer-event,buffer.c,-levent_core))
$(eval $(call bench_program,connections-event,connections.c,-levent_core))
$(eval $(call bench_program,plain-event,serve.c plain_event.c load.c,-levent_core))
$(eval $(call bench_program,plain-floor,serve_floor.c plain_floor.c load.c))
$(eval $(call bench_program,tls-event,serve.c tls_event.c load.c tls_load.c,\
  -levent_core -levent_openssl -lssl -lcrypto))
$(eval $(call bench_program,tls-floor,serve_floor.c tls_floor.c load.c tls_load.c,-lssl -lcrypto))

$(B)/obj/$(bench_dir)/%.o: CFLAGS += -Wshadow -Wconversion

.PHONY: bench
bench: all $(bench_programs)
	@python3 -B $(bench_dir)/bench.py --build $(B) $(if $(ROW),--row $(ROW)) $(if $(QUICK),--quick)

# Right or wrong only: no time is looked at.
$(eval $(call check,bench-smoke,python3 -B $(bench_dir)/bench.py --build $(B) --smoke,60,\
  all $(bench_programs)))
