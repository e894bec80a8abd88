#pragma once
#include <stddef.h>
#include <stdint.h>

// libiberty's demanglers (GNU binutils, https://sourceware.org/binutils, LGPL-2.1-or-later) and Swift's own, all resolved
// when the program is linked. Looking them up by name at run time finds nothing in a program that exports no names.

/// The readable form of a name in the Itanium C++ ABI's mangling, without a terminator, in `out`.
///
/// Returns its length in bytes, or -1 when the name is not mangled, is broken, or its readable form is longer than `room`:
/// a short name can stand for gigabytes of text. `name` is bounded by the caller, because the parser recurses with its length.
long salvage_demangle_cxx(const char *name, char *out, size_t room);

/// The same for Rust: the legacy mangling and v0 (RFC 2603), without hashes.
long salvage_demangle_rust(const char *name, char *out, size_t room);

/// Swift's demangler, part of the runtime: the readable form, to be freed by the caller, or NULL.
char *swift_demangle(const char *name, size_t length, char *out, size_t *room, uint32_t flags);
