# evbuffer, as a part of the engine.
event_SRC += $(addprefix compat/event/buffer/,buffer.cc chain.cc chain_room.cc chunk.cc edge.cc \
  edge_look.cc file_segment.cc landing.cc search.cc shelf.cc spare.cc transfer.cc)
