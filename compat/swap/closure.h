// A program with every library it needs, and what of it a swap would touch.
//
// Called by `check` and `run`. Finds facts; printing them and deciding on them is theirs.
#pragma once

#include "compat/swap/elf_file.h"
#include "compat/swap/families.h"
#include "compat/swap/search.h"

namespace pollshim::swap {

struct Object {
  const char* name;             // as it was asked for: a SONAME, or the program's path
  Requester requester;          // its file, and who brought it in
  const Replaceable* replaces;  // it is one of those we replace
  bool found;
};

// One import of a replaced library.
struct Import {
  const char* symbol;
  const char* importer;
  bool there;  // ours has it, or nobody minds
};

// One SONAME to be replaced.
struct Row {
  const Replaceable* what;
  const char* original;  // null: not installed
  const char* ours;      // null: we have none
  const char* needed_by;
  List<Import> imports;
  size_t missing;
};

struct Closure {
  List<Object*> objects;  // in the loader's order: breadth first, the program at the head
  List<Row> rows;
  List<const char*> other_series;  // "libev.so.3, needed by /usr/bin/x"
  List<const char*> not_found;     // "libx.so.1, needed by /usr/bin/x"

  bool needs(Family family) const;
  bool needs(const char* soname) const;
  size_t missing() const;
};

Closure close_over(const ElfFile& program);

}  // namespace pollshim::swap
