// Names for code addresses: what a report calls a user's callback.
//
// Used by the view's reports only. Knows ELF symbol tables; knows no loop.
#pragma once

#include <cstddef>

namespace pollshim::view {

// Keeps the program's own symbol table at hand, so that static functions of an unstripped program
// have names too. Called early: later the program may have locked itself out of its own file.
void keep_program_symbols();

// Writes "symbol" or, where there is none, "file+0xoffset" (as addr2line takes it). Never fails,
// always terminates `out`.
void name_function(const void* function, char* out, size_t size);

// Writes "symbol (file+0xoffset)", or only the second where there is no symbol.
void name_function_fully(const void* function, char* out, size_t size);

}  // namespace pollshim::view
