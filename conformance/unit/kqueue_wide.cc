// The kqueue backend as it is on 64-bit systems, over the emulation.
#include "backends/kqueue.cc"
