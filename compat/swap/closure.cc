// The closure of a program over its needed libraries, and the attribution of its imports. See
// closure.h.
//
// ELF does not say which library a symbol is meant to come from. It comes from the first object in
// the loader's order that defines it: so that is looked up here, with the originals in place, and
// what lands in an original is what ours must have.
#include "compat/swap/closure.h"

namespace pollshim::swap {
namespace {

Object* new_object(const char* name, const Requester* loaded_by) {
  auto object = static_cast<Object*>(take(sizeof(Object)));
  object->name = name;
  object->requester.file = static_cast<const ElfFile*>(take(sizeof(ElfFile)));
  object->requester.loaded_by = loaded_by;
  return object;
}

ElfFile& file_of(Object& object) {
  return *const_cast<ElfFile*>(object.requester.file);
}

bool is_loader_or_vdso(const char* name) {
  return strncmp(name, "ld-linux", 8) == 0 || strncmp(name, "linux-vdso", 10) == 0;
}

// Adds what `object` needs to the end of the list, each name once, as the loader does.
void add_needed(Closure& closure, NameTable& known, Object& object) {
  for (const char* name : object.requester.file->needed) {
    if (is_loader_or_vdso(name) || known.find(name) != NameTable::kAbsent) continue;
    known.add(name, 1);
    if (is_other_series(name)) {
      closure.other_series.add(format("%s, needed by %s", name, object.requester.file->path));
      continue;
    }
    Object* needed = new_object(name, &object.requester);
    needed->replaces = replaceable(name);
    const char* path = find_library(name, object.requester);
    needed->found = path != nullptr && read_elf(path, &file_of(*needed)) == ElfResult::kRead;
    if (!needed->found && needed->replaces == nullptr) {
      closure.not_found.add(format("%s, needed by %s", name, object.requester.file->path));
      continue;
    }
    if (needed->replaces != nullptr) {
      const char* original = needed->found ? file_of(*needed).path : nullptr;
      closure.rows.add(
          {needed->replaces, original, our_library(name), object.requester.file->path, {}, 0});
    }
    closure.objects.add(needed);
  }
}

Row* row_of(Closure& closure, const Replaceable* what) {
  for (Row& row : closure.rows) {
    if (row.what == what) return &row;
  }
  return nullptr;
}

// What a library of ours exports, together with those of ours that it needs: a face alone exports
// nothing.
void add_exports(const char* path, NameTable& exports, NameTable& seen) {
  if (seen.find(path) != NameTable::kAbsent) return;
  seen.add(path, 1);
  ElfFile file;
  if (read_elf(path, &file) != ElfResult::kRead) return;
  for (const Symbol& symbol : file.symbols) {
    if (symbol.defined) exports.add(symbol.name, 1);
  }
  for (const char* name : file.needed) {
    if (const char* beside = our_library(name)) add_exports(beside, exports, seen);
  }
}

// The first definer of every name, by its index in the loader's order. The program's copies of a
// library's data (copy relocations) do not count: the definition they copy must be in the library.
NameTable first_definers(const Closure& closure) {
  NameTable from_originals;
  for (size_t i = 1; i < closure.objects.size(); i++) {
    if (closure.objects[i]->replaces == nullptr) continue;
    for (const Symbol& symbol : closure.objects[i]->requester.file->symbols) {
      if (symbol.defined && symbol.data) from_originals.add(symbol.name, static_cast<uint32_t>(i));
    }
  }
  NameTable definers;
  for (size_t i = 0; i < closure.objects.size(); i++) {
    for (const Symbol& symbol : closure.objects[i]->requester.file->symbols) {
      bool copy = i == 0 && symbol.data && from_originals.find(symbol.name) != NameTable::kAbsent;
      if (symbol.defined && !copy) definers.add(symbol.name, static_cast<uint32_t>(i));
    }
  }
  return definers;
}

// Where the original is not installed, a name that nobody defines and that begins as the family's
// names do is taken for its own.
Row* row_by_name(Closure& closure, const char* symbol) {
  Family family = family_of_symbol(symbol);
  if (family == Family::kNone) return nullptr;
  for (Row& row : closure.rows) {
    if (row.what->family == family && row.original == nullptr) return &row;
  }
  return nullptr;
}

void attribute(Closure& closure, const NameTable& definers, Object& importer,
               const Symbol& symbol) {
  bool wanted = !symbol.defined || (symbol.data && &importer == closure.objects[0]);
  if (!wanted) return;
  uint32_t definer = definers.find(symbol.name);
  Row* row = nullptr;
  if (definer == NameTable::kAbsent) {
    row = symbol.defined ? nullptr : row_by_name(closure, symbol.name);
  } else if (const Replaceable* what = closure.objects[definer]->replaces) {
    row = row_of(closure, what);
  }
  if (row != nullptr) row->imports.add({symbol.name, importer.requester.file->path, symbol.weak});
}

void settle_imports(Row& row) {
  NameTable exports;
  NameTable seen;
  if (row.ours != nullptr) add_exports(row.ours, exports, seen);
  for (Import& import : row.imports) {
    if (exports.find(import.symbol) != NameTable::kAbsent) import.there = true;
    if (!import.there) row.missing++;
  }
}

}  // namespace

Closure close_over(const ElfFile& program) {
  Closure closure;
  NameTable known;
  Object* head = new_object(program.path, nullptr);
  file_of(*head) = program;
  head->found = true;
  closure.objects.add(head);
  for (size_t i = 0; i < closure.objects.size(); i++)
    add_needed(closure, known, *closure.objects[i]);
  NameTable definers = first_definers(closure);
  for (Object* object : closure.objects) {
    if (object->replaces != nullptr) continue;  // calls inside a family stay inside ours
    for (const Symbol& symbol : object->requester.file->symbols)
      attribute(closure, definers, *object, symbol);
  }
  for (Row& row : closure.rows)
    settle_imports(row);
  return closure;
}

bool Closure::needs(Family family) const {
  for (const Row& row : rows) {
    if (row.what->family == family) return true;
  }
  return false;
}

bool Closure::needs(const char* soname) const {
  for (const Row& row : rows) {
    if (same(row.what->soname, soname)) return true;
  }
  return false;
}

size_t Closure::missing() const {
  size_t count = 0;
  for (const Row& row : rows)
    count += row.missing + (row.ours == nullptr ? 1 : 0);
  return count;
}

}  // namespace pollshim::swap
