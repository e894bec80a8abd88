#pragma once
#include <isa-l/igzip_lib.h>

// ISA-L's inflate (https://github.com/intel/isa-l, BSD), loaded on first use: most commands inflate nothing, and
// loading a shared library slows every start. Call the functions below only when it is available.

/// Returns 1 when `libisal.so.2` is installed and usable, else 0.
int salvage_isal_is_available(void);

/// isal_inflate_init
void salvage_isal_init(struct inflate_state *state);

/// isal_inflate_reset
void salvage_isal_reset(struct inflate_state *state);

/// isal_inflate
int salvage_isal_inflate(struct inflate_state *state);
