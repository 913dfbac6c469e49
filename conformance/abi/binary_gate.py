"""binary_gate.py BUILD: the libraries need nothing but libc, and show nothing but C.

No libstdc++ and no libgcc_s, no mangled name, no symbol version, no executable stack, no text
relocation. A face has the SONAME of its file, no symbol, and one need: the engine beside it."""

import os
import re
import sys

import elf
from gate import Gate, main

ENGINE = "libpollshim-event.so.1"
FACES = ("libevent-2.1.so.7", "libevent_core-2.1.so.7", "libevent_extra-2.1.so.7",
         "libevent_pthreads-2.1.so.7")
# What else a library may need, and what it must.
ALONE = {ENGINE: (), "libev.so.4": (), "libnetpoll.so.1": ()}
TLS = "libevent_openssl-2.1.so.7"
TLS_NEEDS = (ENGINE, r"libssl\.so\.\d+", r"libcrypto\.so\.\d+")

# Names that only a C++ run-time library could satisfy.
CXX_RUNTIME = re.compile(r"^(_Z|__gxx_|_Unwind_|__cxa_(?!finalize$|atexit$|thread_atexit_impl$))")
# What a sanitizer adds to every library; its own needs are its affair.
SANITIZER = re.compile(r"^(lib(asan|ubsan|tsan)\.so\.\d+|libstdc\+\+\.so\.6|libgcc_s\.so\.1|libm\.so\.6"
                       r"|ld-linux.*)$")


def check_library(gate, path, allowed, required, runpath, sanitized):
    name = os.path.basename(path)
    library = elf.read(path)
    if library.soname != name:
        gate.fault("%s calls itself '%s'" % (name, library.soname))
    for need in library.needed:
        if need != "libc.so.6" and not any(re.fullmatch(pattern, need) for pattern in allowed):
            if not (sanitized and SANITIZER.match(need)):
                gate.fault("%s needs %s" % (name, need))
    for pattern in required:
        if not any(re.fullmatch(pattern, need) for need in library.needed):
            gate.fault("%s does not need %s" % (name, pattern))
    for symbol in sorted(library.exports):
        if symbol.startswith("_Z"):
            gate.fault("%s exports the mangled name %s" % (name, symbol))
    if not sanitized:
        for symbol in sorted(library.imports):
            if CXX_RUNTIME.match(symbol):
                gate.fault("%s wants %s of a C++ run-time library" % (name, symbol))
    if library.versions:
        gate.fault("%s gives its symbols versions: %s" % (name, ", ".join(sorted(library.versions))))
    if library.flags != "RW":
        gate.fault("%s has a stack of flags '%s'" % (name, library.flags))
    if library.text_relocations:
        gate.fault("%s has text relocations" % name)
    if library.runpath != runpath:
        gate.fault("%s has the run path '%s' instead of '%s'" % (name, library.runpath, runpath))
    return library


def check(directory, sanitized=None):
    gate = Gate("abi-binaries")
    sanitized = bool(os.environ.get("SAN")) if sanitized is None else sanitized
    seen = 0
    for name, extra in ALONE.items():
        path = os.path.join(directory, name)
        if os.path.exists(path):
            check_library(gate, path, extra, (), "", sanitized)
            seen += 1
    for name in FACES:
        path = os.path.join(directory, name)
        if not os.path.exists(path):
            gate.fault("there is no %s" % name)
            continue
        face = check_library(gate, path, (ENGINE,), (ENGINE,), "$ORIGIN", sanitized)
        if face.filtered != ENGINE:
            gate.fault("%s does not stand for %s in the order of lookup" % (name, ENGINE))
        if "libc.so.6" in face.needed:
            gate.fault("%s is more than a face: it needs libc.so.6" % name)
        if face.exports:
            gate.fault("%s exports %s" % (name, ", ".join(sorted(face.exports)[:5])))
        seen += 1
    path = os.path.join(directory, TLS)
    if os.path.exists(path):
        check_library(gate, path, TLS_NEEDS, TLS_NEEDS[:2], "$ORIGIN", sanitized)
        seen += 1
    gate.saw(seen, "libraries")
    return gate


if __name__ == "__main__":
    main(check(os.path.join(sys.argv[1], "lib", "pollshim")))
