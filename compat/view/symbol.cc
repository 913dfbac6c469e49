// Names for code addresses, by the dynamic linker first and by the program's .symtab second.
//
// The dynamic linker knows exported functions alone, and most callbacks are static. No demangling:
// that would need libstdc++.
#include "compat/view/symbol.h"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pollshim::view {
namespace {

// The program's file as mapped, null if it has no symbol table of use.
struct ProgramSymbols {
  const char* file;
  size_t size;
  const ElfW(Sym) * symbols;
  size_t count;
  const char* names;
  size_t names_size;
};
ProgramSymbols program;

// True if `count` items of `each` bytes lie inside the file. A damaged file must not be able to
// take the program down.
bool inside(uint64_t offset, uint64_t bytes, size_t size) {
  return offset <= size && bytes <= size - offset;
}

bool find_symbol_table(ProgramSymbols* found) {
  if (found->size < sizeof(ElfW(Ehdr))) return false;
  auto header = reinterpret_cast<const ElfW(Ehdr)*>(found->file);
  if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 || header->e_shentsize != sizeof(ElfW(Shdr)))
    return false;
  if (header->e_shoff % alignof(ElfW(Shdr)) != 0) return false;
  if (!inside(header->e_shoff, uint64_t{header->e_shnum} * sizeof(ElfW(Shdr)), found->size))
    return false;
  auto sections = reinterpret_cast<const ElfW(Shdr)*>(found->file + header->e_shoff);
  for (unsigned i = 0; i < header->e_shnum; i++) {
    const ElfW(Shdr)& table = sections[i];
    if (table.sh_type != SHT_SYMTAB || table.sh_link >= header->e_shnum) continue;
    const ElfW(Shdr)& names = sections[table.sh_link];
    if (table.sh_offset % alignof(ElfW(Sym)) != 0 ||
        !inside(table.sh_offset, table.sh_size, found->size))
      return false;
    if (names.sh_size == 0 || !inside(names.sh_offset, names.sh_size, found->size)) return false;
    found->symbols = reinterpret_cast<const ElfW(Sym)*>(found->file + table.sh_offset);
    found->count = table.sh_size / sizeof(ElfW(Sym));
    found->names = found->file + names.sh_offset;
    found->names_size = names.sh_size;
    return found->names[found->names_size - 1] == '\0';
  }
  return false;
}

const char* name_in_program(uintptr_t address) {
  for (size_t i = 0; i < program.count; i++) {
    const ElfW(Sym)& symbol = program.symbols[i];
    if ((symbol.st_info & 0xf) != STT_FUNC || symbol.st_shndx == SHN_UNDEF) continue;
    if (address >= symbol.st_value && address - symbol.st_value < symbol.st_size &&
        symbol.st_name < program.names_size) {
      return program.names + symbol.st_name;
    }
  }
  return nullptr;
}

struct Place {
  const char* symbol;  // may be null
  const char* file;
  uintptr_t offset;
};

Place place_of(const void* function) {
  Dl_info info;
  void* extra = nullptr;
  if (dladdr1(function, &info, &extra, RTLD_DL_LINKMAP) == 0)
    return {nullptr, "?", reinterpret_cast<uintptr_t>(function)};
  auto map = static_cast<const link_map*>(extra);
  uintptr_t offset = reinterpret_cast<uintptr_t>(function) - map->l_addr;
  bool is_program = map->l_name == nullptr || *map->l_name == '\0';
  const char* file = info.dli_fname != nullptr ? info.dli_fname : "?";
  const char* slash = strrchr(file, '/');
  const char* symbol = info.dli_sname;
  if (symbol == nullptr && is_program && program.file != nullptr) symbol = name_in_program(offset);
  return {symbol, slash != nullptr ? slash + 1 : file, offset};
}

}  // namespace

void keep_program_symbols() {
  if (program.file != nullptr) return;
  int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  struct stat status;
  if (fstat(fd, &status) == 0 && status.st_size > 0) {
    ProgramSymbols found = {};
    found.size = static_cast<size_t>(status.st_size);
    void* mapped = mmap(nullptr, found.size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (mapped != MAP_FAILED) {
      found.file = static_cast<const char*>(mapped);
      if (find_symbol_table(&found)) {
        program = found;
      } else {
        munmap(mapped, found.size);
      }
    }
  }
  close(fd);
}

void name_function(const void* function, char* out, size_t size) {
  Place place = place_of(function);
  if (place.symbol != nullptr) {
    snprintf(out, size, "%s", place.symbol);
  } else {
    snprintf(out, size, "%s+0x%zx", place.file, static_cast<size_t>(place.offset));
  }
}

void name_function_fully(const void* function, char* out, size_t size) {
  Place place = place_of(function);
  if (place.symbol != nullptr) {
    snprintf(out, size, "%s (%s+0x%zx)", place.symbol, place.file,
             static_cast<size_t>(place.offset));
  } else {
    snprintf(out, size, "%s+0x%zx", place.file, static_cast<size_t>(place.offset));
  }
}

}  // namespace pollshim::view
