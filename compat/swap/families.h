// What can be swapped: the two families of SONAMEs, and the directory that holds ours.
//
// A family is swapped as a whole or not at all: libraries of one family work on each other's
// structures.
#pragma once

#include "compat/swap/elf_file.h"

namespace pollshim::swap {

enum class Family { kNone, kLibevent, kLibev };

struct Replaceable {
  const char* soname;
  Family family;
  // False for TLS: preloaded only where it is needed itself, because it drags in more, and not part
  // of every build.
  bool always;
};
inline constexpr Replaceable kReplaceable[] = {
    {"libevent-2.1.so.7", Family::kLibevent, true},
    {"libevent_core-2.1.so.7", Family::kLibevent, true},
    {"libevent_extra-2.1.so.7", Family::kLibevent, true},
    {"libevent_pthreads-2.1.so.7", Family::kLibevent, true},
    {"libevent_openssl-2.1.so.7", Family::kLibevent, false},  // needs libssl
    {"libev.so.4", Family::kLibev, true},
};

// Null if it is none of the above.
const Replaceable* replaceable(const char* soname);
// True for what is libevent or libev by name, but of a series with another binary interface.
bool is_other_series(const char* soname);
// The family that a symbol belongs to by its name.
Family family_of_symbol(const char* name);

// Our libraries: POLLSHIM_LIBRARIES if set, else beside the command (build tree and installation
// alike), else where the installation put them. Null, with a message on standard error, if there
// are none.
const char* our_directory();
// The path of ours for a SONAME, or null if we have none.
const char* our_library(const char* soname);

}  // namespace pollshim::swap
