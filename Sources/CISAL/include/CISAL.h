#pragma once
#include <isa-l/igzip_lib.h>

// ISA-L's inflate (https://github.com/intel/isa-l, BSD), loaded when it is first asked for: most commands inflate nothing,
// and looking for a shared library costs each start. The calls below may be made only where it is available.

/// 1 where `libisal.so.2` is installed and can be used, else 0.
int salvage_isal_is_available(void);

/// isal_inflate_init
void salvage_isal_init(struct inflate_state *state);

/// isal_inflate_reset
void salvage_isal_reset(struct inflate_state *state);

/// isal_inflate
int salvage_isal_inflate(struct inflate_state *state);
