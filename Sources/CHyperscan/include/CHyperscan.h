#pragma once
#include <stddef.h>
#include <stdint.h>

// Hyperscan (https://github.com/intel/hyperscan, BSD), loaded when it is first asked for, so that searches that do not
// need it do not pay for its start. Without its header at build time, or its library at run time, every call here says
// that there is no Hyperscan.

/// A compiled pattern; any number of threads may search with one.
typedef struct salvage_hs_pattern salvage_hs_pattern;

/// One thread's working memory.
typedef struct salvage_hs_scratch salvage_hs_scratch;

/// 1 where Hyperscan can be used, else 0.
int salvage_hs_is_available(void);

/// Compiles a pattern in PCRE syntax that reads bytes and in which ^ and $ match at lines. NULL where Hyperscan is
/// absent or does not understand it. What it finds may be more than the pattern matches, never less.
salvage_hs_pattern *salvage_hs_compile(const char *pattern, int caseless);

void salvage_hs_free(salvage_hs_pattern *pattern);

/// NULL where memory is short.
salvage_hs_scratch *salvage_hs_make_scratch(const salvage_hs_pattern *pattern);

void salvage_hs_free_scratch(salvage_hs_scratch *scratch);

/// Writes to `places`, in ascending order, one offset in each line of `bytes` that may hold a match. Returns their
/// number, or -1 where there are more than `capacity` or the search failed.
long salvage_hs_lines(const salvage_hs_pattern *pattern, salvage_hs_scratch *scratch, const uint8_t *bytes, size_t count,
                      uint32_t *places, size_t capacity);
