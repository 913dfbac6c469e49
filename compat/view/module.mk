# The view into running loops, for every engine to link: $(view_SRC) and one of the *_engine.cc files.

view_SRC := $(addprefix compat/view/,load.cc loop_view.cc output.cc page_file.cc report.cc settings.cc symbol.cc)
view_event_SRC := $(view_SRC) compat/view/event_engine.cc
view_ev_SRC := $(view_SRC) compat/view/ev_engine.cc
