#pragma once
#include <stddef.h>
#include <stdint.h>

// Hyperscan (https://github.com/intel/hyperscan, BSD), loaded on first use, so that searches that do not need it do not
// pay for its startup. Without its header at build time, or its library at run time, all functions report that it is
// absent.

/// A compiled pattern; any number of threads may search with one.
typedef struct salvage_hs_pattern salvage_hs_pattern;

/// One thread's working memory.
typedef struct salvage_hs_scratch salvage_hs_scratch;

/// Returns 1 if Hyperscan can be used, else 0.
int salvage_hs_is_available(void);

/// Compiles a pattern in PCRE syntax over bytes, in multi-line mode. Returns NULL if Hyperscan is absent or cannot
/// compile it. It may match more than the pattern, never less.
salvage_hs_pattern *salvage_hs_compile(const char *pattern, int caseless);

void salvage_hs_free(salvage_hs_pattern *pattern);

/// Returns NULL when memory is short.
salvage_hs_scratch *salvage_hs_make_scratch(const salvage_hs_pattern *pattern);

void salvage_hs_free_scratch(salvage_hs_scratch *scratch);

/// Writes to `places`, in ascending order, an offset in each line of `bytes` that may have a match. Returns the number
/// of offsets, or -1 if there are more than `capacity` or the search failed.
long salvage_hs_lines(const salvage_hs_pattern *pattern, salvage_hs_scratch *scratch, const uint8_t *bytes, size_t count,
                      uint32_t *places, size_t capacity);
