// Library search. See search.h.
#include "compat/swap/search.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pollshim::swap {
namespace {

// ---- one directory
// -------------------------------------------------------------------------------------------------------

bool fits(const char* path, const ElfFile& like) {
  struct stat status;
  if (stat(path, &status) != 0 || !S_ISREG(status.st_mode)) return false;
  ElfFile file;
  return read_elf(path, &file) == ElfResult::kRead && file.machine == like.machine &&
         file.bits == like.bits && file.little_endian == like.little_endian;
}

// $ORIGIN is the place of the object that names it. $LIB and $PLATFORM are tried with the values of
// Debian and of others.
const char* replace_token(const char* text, const char* token, const char* value) {
  const char* plain = strstr(text, format("$%s", token));
  const char* braced = strstr(text, format("${%s}", token));
  const char* found = braced != nullptr ? braced : plain;
  if (found == nullptr) return text;
  size_t length = strlen(token) + (braced != nullptr ? 3 : 1);
  return format("%.*s%s%s", static_cast<int>(found - text), text, value, found + length);
}

const char* in_directory(const char* directory, const char* name, const ElfFile& needer) {
  const char* expanded = replace_token(directory, "ORIGIN", directory_of(needer.path));
  expanded = replace_token(expanded, "PLATFORM", machine_name(needer));
  for (const char* lib : {"lib", "lib64", "lib/x86_64-linux-gnu"}) {
    const char* path =
        format("%s/%s", *expanded != '\0' ? replace_token(expanded, "LIB", lib) : ".", name);
    if (fits(path, needer)) return path;
    if (strstr(expanded, "$") == nullptr) break;
  }
  return nullptr;
}

const char* in_list(const char* list, const char* separators, const char* name,
                    const ElfFile& needer) {
  if (list == nullptr) return nullptr;
  while (true) {
    size_t length = strcspn(list, separators);
    if (const char* found = in_directory(copy_text({list, length}), name, needer)) return found;
    if (list[length] == '\0') return nullptr;
    list += length + 1;
  }
}

// ---- ld.so.cache
// -----------------------------------------------------------------------------------------------------------
// The format that glibc has written since 2.2, alone since 2.32, and with an older part before it
// until then.

struct CacheHeader {
  char magic[20];  // "glibc-ld.so.cache1.1"
  uint32_t count;
  uint32_t strings_size;
  uint32_t unused[5];
};
struct CacheEntry {
  int32_t flags;
  uint32_t name;
  uint32_t path;
  uint32_t os_version;
  uint64_t hardware;
};
static_assert(sizeof(CacheHeader) == 48 && sizeof(CacheEntry) == 24);

struct Cache {
  const char* base;  // offsets of texts count from the header
  size_t size;
  const CacheEntry* entries;
  uint32_t count;
};

Cache read_cache() {
  Cache cache = {};
  int fd = open("/etc/ld.so.cache", O_RDONLY | O_CLOEXEC);
  struct stat status;
  if (fd < 0 || fstat(fd, &status) != 0 || status.st_size <= 0) {
    if (fd >= 0) close(fd);
    return cache;
  }
  auto size = static_cast<size_t>(status.st_size);
  void* mapped = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  close(fd);
  if (mapped == MAP_FAILED) return cache;
  auto image = static_cast<const char*>(mapped);
  auto start = static_cast<const char*>(memmem(image, size, "glibc-ld.so.cache1.1", 20));
  if (start == nullptr) return cache;
  size_t room = size - static_cast<size_t>(start - image);
  CacheHeader header;
  if (room < sizeof header || image[size - 1] != '\0') return cache;
  memcpy(&header, start, sizeof header);
  if (header.count > (room - sizeof header) / sizeof(CacheEntry)) return cache;
  cache.base = start;
  cache.size = room;
  cache.entries = reinterpret_cast<const CacheEntry*>(start + sizeof header);
  cache.count = header.count;
  return cache;
}

const char* in_cache(const char* name, const ElfFile& needer) {
  static Cache cache;
  static bool read = false;
  if (!read) cache = read_cache();
  read = true;
  for (uint32_t i = 0; i < cache.count; i++) {
    const CacheEntry& entry = cache.entries[i];
    if (entry.name >= cache.size || entry.path >= cache.size ||
        !same(cache.base + entry.name, name))
      continue;
    if (fits(cache.base + entry.path, needer)) return cache.base + entry.path;
  }
  return nullptr;
}

const char* in_default_directories(const char* name, const ElfFile& needer) {
  static constexpr const char* narrow[] = {
      "/lib/i386-linux-gnu", "/usr/lib/i386-linux-gnu", "/lib32", "/usr/lib32", "/lib", "/usr/lib"};
  static constexpr const char* wide[] = {"/lib/x86_64-linux-gnu",
                                         "/usr/lib/x86_64-linux-gnu",
                                         "/lib/aarch64-linux-gnu",
                                         "/usr/lib/aarch64-linux-gnu",
                                         "/lib64",
                                         "/usr/lib64",
                                         "/lib",
                                         "/usr/lib"};
  const char* found = nullptr;
  auto look = [&](const char* directory) {
    return found != nullptr || (found = in_directory(directory, name, needer)) != nullptr;
  };
  if (needer.bits == 32) {
    for (const char* directory : narrow)
      look(directory);
  } else {
    for (const char* directory : wide)
      look(directory);
  }
  return found;
}

}  // namespace

const char* find_library(const char* name, const Requester& requester) {
  const ElfFile& needer = *requester.file;
  if (strchr(name, '/') != nullptr) return fits(name, needer) ? name : nullptr;
  const char* found = nullptr;
  if (needer.runpath == nullptr) {
    for (const Requester* at = &requester; at != nullptr && found == nullptr; at = at->loaded_by) {
      found = in_list(at->file->rpath, ":", name, *at->file);
    }
  }
  const char* library_path = getenv("LD_LIBRARY_PATH");
  if (found == nullptr && library_path != nullptr && *library_path != '\0')
    found = in_list(library_path, ":;", name, needer);
  if (found == nullptr) found = in_list(needer.runpath, ":", name, needer);
  if (found == nullptr) found = in_cache(name, needer);
  if (found == nullptr && !needer.no_default_paths) found = in_default_directories(name, needer);
  return found;
}

}  // namespace pollshim::swap
