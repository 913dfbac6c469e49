// One ELF file, as far as a swap cares: what it is, what it needs, what it imports and exports.
//
// Used by the search for programs and by the closure. Reads files and forms no opinion.
#pragma once

#include "compat/swap/memory.h"

namespace pollshim::swap {

struct Symbol {
  const char* name;
  bool defined;
  bool weak;
  bool data;
};

struct ElfFile {
  const char* path;
  unsigned machine;  // EM_X86_64 …
  unsigned bits;     // 32 or 64
  bool little_endian;
  bool dynamic;        // has a dynamic section
  bool shared_object;  // ET_DYN: a library or a position independent program
  const char* loader;  // PT_INTERP, or null
  const char* soname;  // or null
  const char* rpath;   // DT_RPATH, null where there is a DT_RUNPATH
  const char* runpath;
  bool no_default_paths;  // DF_1_NODEFLIB
  List<const char*> needed;
  List<Symbol> symbols;
};

enum class ElfResult { kRead, kCannotOpen, kNotElf, kDamaged };

// On kCannotOpen errno tells why.
ElfResult read_elf(const char* path, ElfFile* file);

// A machine's name for people: "x86-64", "i386", "aarch64", or "machine 123".
const char* machine_name(const ElfFile& file);

}  // namespace pollshim::swap
