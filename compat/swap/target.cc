// Finding and judging the program. See target.h.
#include "compat/swap/target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "compat/swap/families.h"

namespace pollshim::swap {
namespace {

constexpr int kLongestChain =
    5;  // of scripts that are interpreters of scripts; the kernel stops there as well

struct Found {
  const char* path;
  ExitCode code;
};

bool is_program(const char* path) {
  struct stat status;
  return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

Found explain_unusable(const char* name, const char* path) {
  struct stat status;
  if (stat(path, &status) != 0) {
    int why = errno;
    fprintf(stderr, "pollshim: no such program: %s (%s)\n", name, strerror(why));
    return {nullptr, why == ENOENT || why == ENOTDIR ? kNoSuchProgram : kNotExecutable};
  }
  fprintf(stderr, "pollshim: %s is not a program: %s\n", path,
          S_ISDIR(status.st_mode)   ? "it is a directory"
          : S_ISREG(status.st_mode) ? "it is not executable"
                                    : "it is not a file");
  return {nullptr, kNotExecutable};
}

// As execvp(3) does it, except that what lies in the path but cannot be executed is said at the
// end.
Found look_for(const char* name) {
  if (*name == '\0') {
    fputs("pollshim: the name of the program is empty\n", stderr);
    return {nullptr, kNoSuchProgram};
  }
  if (strchr(name, '/') != nullptr)
    return is_program(name) ? Found{name, kFine} : explain_unusable(name, name);
  const char* list = getenv("PATH");
  if (list == nullptr) list = "/bin:/usr/bin";
  const char* unusable = nullptr;
  while (true) {
    size_t length = strcspn(list, ":");
    const char* path = length == 0 ? format("./%s", name)
                                   : format("%.*s/%s", static_cast<int>(length), list, name);
    if (is_program(path)) return {path, kFine};
    if (access(path, F_OK) == 0 && unusable == nullptr) unusable = path;
    if (list[length] == '\0') break;
    list += length + 1;
  }
  if (unusable != nullptr) return explain_unusable(name, unusable);
  fprintf(stderr, "pollshim: no such program: %s is not in PATH\n", name);
  return {nullptr, kNoSuchProgram};
}

// The interpreter of a script, null if the file is none. For "#!/usr/bin/env NAME" that is NAME.
const char* interpreter_of(const char* path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return nullptr;
  char line[512] = {};
  ssize_t length = read(fd, line, sizeof line - 1);
  close(fd);
  if (length < 3 || line[0] != '#' || line[1] != '!') return nullptr;
  line[strcspn(line, "\n")] = '\0';
  const char* words[8] = {};
  int count = 0;
  char* rest = line + 2;
  for (char* word; count < 8 && (word = strtok_r(rest, " \t", &rest)) != nullptr;)
    words[count++] = copy_text(word);
  if (count == 0) return nullptr;
  if (!same(base_name(words[0]), "env")) return words[0];
  for (int i = 1; i < count; i++) {
    if (words[i][0] != '-' && strchr(words[i], '=') == nullptr) return words[i];
  }
  return words[0];
}

// The loader drops LD_PRELOAD and LD_LIBRARY_PATH for these: rightly, or anybody could run code as
// somebody else.
const char* privilege_of(const char* path) {
  struct stat status;
  if (stat(path, &status) != 0) return nullptr;
  if ((status.st_mode & S_ISUID) != 0) return "set-uid";
  if ((status.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP)) return "set-gid";
  if (getxattr(path, "security.capability", nullptr, 0) > 0) return "given file capabilities";
  return nullptr;
}

// Whether the program and our libraries are for the same machine and C library.
ExitCode judge_machine(const ElfFile& program) {
  const char* directory = our_directory();
  if (directory == nullptr) return kLibrariesNotFound;
  for (const Replaceable& each : kReplaceable) {
    const char* path = our_library(each.soname);
    ElfFile ours;
    if (path == nullptr || read_elf(path, &ours) != ElfResult::kRead) continue;
    if (ours.machine != program.machine || ours.bits != program.bits ||
        ours.little_endian != program.little_endian) {
      fprintf(stderr, "pollshim: %s is a program for %s; our libraries in %s are for %s\n",
              program.path, machine_name(program), directory, machine_name(ours));
      return kOtherArchitecture;
    }
    return kFine;
  }
  fprintf(stderr, "pollshim: the libraries in %s cannot be read\n", directory);
  return kLibrariesNotFound;
}

ExitCode judge(const ElfFile& program) {
  // First: a foreign program may well be static or privileged too, but what it is for decides.
  if (ExitCode code = judge_machine(program); code != kFine) return code;
  if (program.loader == nullptr) {
    if (program.dynamic && program.soname != nullptr) {
      fprintf(stderr, "pollshim: %s is a shared library, not a program\n", program.path);
      return kNotExecutable;
    }
    fprintf(stderr,
            "pollshim: %s is linked statically: it brings its own copy of every library and loads "
            "none, so nothing can be "
            "replaced. Relink it (see pollshim(7)).\n",
            program.path);
    return kStaticProgram;
  }
  if (strstr(base_name(program.loader), "ld-linux") == nullptr &&
      strstr(base_name(program.loader), "ld64") == nullptr &&
      strstr(base_name(program.loader), "ld.so") == nullptr) {
    fprintf(stderr, "pollshim: %s is for another C library (its loader is %s)\n", program.path,
            program.loader);
    return kOtherArchitecture;
  }
  if (const char* privilege = privilege_of(program.path)) {
    fprintf(stderr,
            "pollshim: %s is %s: the loader ignores LD_PRELOAD and LD_LIBRARY_PATH for it. See "
            "pollshim(7) for ways to swap "
            "under such a program.\n",
            program.path, privilege);
    return kPrivileged;
  }
  return kFine;
}

void explain_interpreter(const Target& target) {
  fprintf(stderr, "pollshim: %s is the interpreter of the script %s\n", target.interpreter,
          target.path);
}

}  // namespace

ExitCode find_target(const char* name, Target* target) {
  Found found = look_for(name);
  if (found.code != kFine) return found.code;
  *target = {};
  target->path = found.path;
  const char* path = found.path;
  for (int depth = 0; depth <= kLongestChain; depth++) {
    ElfResult result = read_elf(path, &target->program);
    if (result == ElfResult::kRead) {
      ExitCode code = judge(target->program);
      if (code != kFine && target->interpreter != nullptr) explain_interpreter(*target);
      return code;
    }
    if (result == ElfResult::kCannotOpen) {
      fprintf(stderr, "pollshim: cannot read %s: %s\n", path, strerror(errno));
      return kFailed;
    }
    const char* interpreter = result == ElfResult::kNotElf ? interpreter_of(path) : nullptr;
    if (interpreter == nullptr) {
      fprintf(stderr, "pollshim: %s is %s\n", path,
              result == ElfResult::kDamaged ? "a damaged ELF file"
                                            : "neither an ELF program nor a script with a #! line");
      return kNotElf;
    }
    found = look_for(interpreter);
    target->interpreter = found.code == kFine ? found.path : interpreter;
    if (found.code != kFine) {
      explain_interpreter(*target);
      return found.code;
    }
    path = found.path;
  }
  fprintf(stderr, "pollshim: %s: too many interpreters of interpreters\n", target->path);
  return kNotElf;
}

}  // namespace pollshim::swap
