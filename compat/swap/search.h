// Finding shared libraries the way the dynamic linker would, for a program that is not running.
//
// Called by the closure for each needed name. Follows ld.so(8): RPATH of the chain,
// LD_LIBRARY_PATH, RUNPATH, ld.so.cache, default directories. Preloads and audit modules are
// outside: they do not change what a name means.
#pragma once

#include "compat/swap/elf_file.h"

namespace pollshim::swap {

// The object that needs something, and the chain of objects that brought it in.
struct Requester {
  const ElfFile* file;
  const Requester* loaded_by;
};

// The path that `name` stands for, or null. Files of another architecture are passed over, as the
// loader does.
const char* find_library(const char* name, const Requester& requester);

}  // namespace pollshim::swap
