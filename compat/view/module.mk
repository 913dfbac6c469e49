# The view into running loops, for every engine to link: $(view_SRC) and one of the *_engine.cc files.

view_SRC := $(addprefix compat/view/,loop_view.cc load.cc output.cc page_file.cc report.cc settings.cc symbol.cc)
view_event_SRC := $(view_SRC) compat/view/event_engine.cc
view_ev_SRC := $(view_SRC) compat/view/ev_engine.cc
# Switched off it costs a test of a pointer. Only what happens around each callback has to be fast.
$(call object_names,$(filter-out %/loop_view.cc,$(view_SRC))): CXXFLAGS += $(SMALL_FLAGS)
