// Reading an ELF file with libelf. Sections serve for symbols, program headers for all the loader
// itself would look at.
#include "compat/swap/elf_file.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <unistd.h>

namespace pollshim::swap {
namespace {

// A text in the string table at this file offset, or null if it is not one that ends inside the
// file.
const char* text_at(const char* image, size_t size, uint64_t table, uint64_t offset) {
  if (offset >= size || table >= size - offset) return nullptr;
  const char* start = image + table + offset;
  size_t room = size - (table + offset);
  return memchr(start, '\0', room) != nullptr ? copy_text(start) : nullptr;
}

struct Segments {
  List<GElf_Phdr> all;

  bool offset_of(uint64_t address, uint64_t* offset) const {
    for (const GElf_Phdr& segment : all) {
      if (segment.p_type != PT_LOAD || address < segment.p_vaddr ||
          address - segment.p_vaddr >= segment.p_filesz)
        continue;
      *offset = address - segment.p_vaddr + segment.p_offset;
      return true;
    }
    return false;
  }
};

bool read_dynamic(Elf* elf, const GElf_Phdr& segment, const Segments& segments, const char* image,
                  size_t size, ElfFile* file) {
  Elf_Data* data = elf_getdata_rawchunk(elf, static_cast<int64_t>(segment.p_offset),
                                        segment.p_filesz, ELF_T_DYN);
  if (data == nullptr) return false;
  int count = static_cast<int>(segment.p_filesz / gelf_fsize(elf, ELF_T_DYN, 1, EV_CURRENT));
  uint64_t strings = 0;
  bool found = false;
  GElf_Dyn entry;
  for (int i = 0; i < count && gelf_getdyn(data, i, &entry) != nullptr && entry.d_tag != DT_NULL;
       i++) {
    if (entry.d_tag == DT_STRTAB) found = segments.offset_of(entry.d_un.d_ptr, &strings);
  }
  if (!found) return true;  // nothing named, nothing needed
  for (int i = 0; i < count && gelf_getdyn(data, i, &entry) != nullptr && entry.d_tag != DT_NULL;
       i++) {
    if (entry.d_tag == DT_FLAGS_1) file->no_default_paths = (entry.d_un.d_val & DF_1_NODEFLIB) != 0;
    if (entry.d_tag != DT_NEEDED && entry.d_tag != DT_SONAME && entry.d_tag != DT_RPATH &&
        entry.d_tag != DT_RUNPATH)
      continue;
    const char* text = text_at(image, size, strings, entry.d_un.d_val);
    if (text == nullptr) return false;
    if (entry.d_tag == DT_NEEDED) file->needed.add(text);
    if (entry.d_tag == DT_SONAME) file->soname = text;
    if (entry.d_tag == DT_RPATH) file->rpath = text;
    if (entry.d_tag == DT_RUNPATH) file->runpath = text;
  }
  if (file->runpath != nullptr) file->rpath = nullptr;  // the loader ignores it then
  return true;
}

bool read_symbols(Elf* elf, ElfFile* file) {
  Elf_Scn* section = nullptr;
  while ((section = elf_nextscn(elf, section)) != nullptr) {
    GElf_Shdr header;
    if (gelf_getshdr(section, &header) == nullptr) return false;
    if (header.sh_type != SHT_DYNSYM || header.sh_entsize == 0) continue;
    Elf_Data* data = elf_getdata(section, nullptr);
    if (data == nullptr) return false;
    size_t count = header.sh_size / header.sh_entsize;
    for (size_t i = 1; i < count; i++) {
      GElf_Sym symbol;
      if (gelf_getsym(data, static_cast<int>(i), &symbol) == nullptr) return false;
      unsigned binding = GELF_ST_BIND(symbol.st_info);
      unsigned visibility = GELF_ST_VISIBILITY(symbol.st_other);
      if (binding == STB_LOCAL || visibility == STV_HIDDEN || visibility == STV_INTERNAL) continue;
      const char* name = elf_strptr(elf, header.sh_link, symbol.st_name);
      if (name == nullptr) return false;
      unsigned type = GELF_ST_TYPE(symbol.st_info);
      if (*name != '\0') {
        file->symbols.add({copy_text(name), symbol.st_shndx != SHN_UNDEF, binding == STB_WEAK,
                           type == STT_OBJECT});
      }
    }
  }
  return true;
}

ElfResult read_open_file(Elf* elf, ElfFile* file) {
  if (elf_kind(elf) != ELF_K_ELF) return ElfResult::kNotElf;
  GElf_Ehdr header;
  size_t size = 0;
  size_t count = 0;
  const char* image = elf_rawfile(elf, &size);
  if (gelf_getehdr(elf, &header) == nullptr || image == nullptr) return ElfResult::kDamaged;
  if (header.e_type != ET_EXEC && header.e_type != ET_DYN) return ElfResult::kNotElf;
  file->machine = header.e_machine;
  file->bits = header.e_ident[EI_CLASS] == ELFCLASS64 ? 64 : 32;
  file->little_endian = header.e_ident[EI_DATA] == ELFDATA2LSB;
  file->shared_object = header.e_type == ET_DYN;
  if (elf_getphdrnum(elf, &count) != 0) return ElfResult::kDamaged;
  Segments segments;
  for (size_t i = 0; i < count; i++) {
    GElf_Phdr segment;
    if (gelf_getphdr(elf, static_cast<int>(i), &segment) == nullptr) return ElfResult::kDamaged;
    segments.all.add(segment);
  }
  for (const GElf_Phdr& segment : segments.all) {
    if (segment.p_type == PT_INTERP) {
      file->loader = text_at(image, size, segment.p_offset, 0);
      if (file->loader == nullptr) return ElfResult::kDamaged;
    }
    if (segment.p_type == PT_DYNAMIC) {
      file->dynamic = true;
      if (!read_dynamic(elf, segment, segments, image, size, file)) return ElfResult::kDamaged;
    }
  }
  return read_symbols(elf, file) ? ElfResult::kRead : ElfResult::kDamaged;
}

}  // namespace

ElfResult read_elf(const char* path, ElfFile* file) {
  *file = {};
  file->path = copy_text(path);
  elf_version(EV_CURRENT);
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return ElfResult::kCannotOpen;
  Elf* elf = elf_begin(fd, ELF_C_READ, nullptr);
  ElfResult result = elf != nullptr ? read_open_file(elf, file) : ElfResult::kNotElf;
  if (elf != nullptr) elf_end(elf);
  close(fd);
  return result;
}

const char* machine_name(const ElfFile& file) {
  switch (file.machine) {
    case EM_X86_64:
      return file.bits == 64 ? "x86-64" : "x32";
    case EM_386:
      return "i386";
    case EM_AARCH64:
      return "aarch64";
    case EM_ARM:
      return "arm";
    case EM_RISCV:
      return format("riscv%u", file.bits);
    case EM_PPC64:
      return file.little_endian ? "ppc64le" : "ppc64";
    case EM_S390:
      return "s390x";
    default:
      return format("machine %u", file.machine);
  }
}

}  // namespace pollshim::swap
