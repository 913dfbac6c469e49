# evutil: sockets, addresses, strings, lookup, random bytes and clocks. No event loop in here.

event_SRC += $(addprefix compat/event/util/,address.cc lookup.cc monotonic.cc random.cc sockets.cc strings.cc)
