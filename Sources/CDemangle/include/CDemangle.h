#pragma once
#include <stddef.h>
#include <stdint.h>

// libiberty's demanglers (GNU binutils, https://sourceware.org/binutils, LGPL-2.1-or-later) and Swift's own, all
// resolved at link time: dlsym finds nothing in a program that exports no symbols.

/// Writes the readable form of a name mangled by the Itanium C++ ABI to `out`, without a terminator.
///
/// Returns its length in bytes, or -1 if the name is not mangled, is broken, or its readable form is longer than
/// `room`: a short name can expand to gigabytes. The caller must bound `name`, because the parser recurses with its
/// length.
long salvage_demangle_cxx(const char *name, char *out, size_t room);

/// Does the same for Rust: the legacy mangling and v0 (RFC 2603), without hashes.
long salvage_demangle_rust(const char *name, char *out, size_t room);

/// Swift's demangler, part of the runtime. Returns the readable form, which the caller frees, or NULL.
char *swift_demangle(const char *name, size_t length, char *out, size_t *room, uint32_t flags);
