#pragma once
#include <stddef.h>
#include <stdint.h>

/// The largest number of literals in a table.
#define CRASH_SCAN_LIMIT 256

/// A literal to search for; the bytes must outlive the table.
typedef struct {
    const uint8_t *_Nonnull bytes;
    uint32_t length; ///< at least 4, at most 64
} crash_literal;

typedef struct {
    uint32_t offset; ///< where the literal begins in the searched bytes
    uint32_t literal; ///< its index
} crash_hit;

typedef struct crash_scan_table crash_scan_table;

/// Builds a table for up to CRASH_SCAN_LIMIT literals. NULL if there are too many, a length is out of bounds, or memory
/// runs out. The table is read-only afterwards and may be used from any thread.
crash_scan_table *_Nullable crash_scan_build(const crash_literal *_Nonnull literals, size_t count);
void crash_scan_free(crash_scan_table *_Nullable table);

/// Finds every occurrence of every literal, in order of offset, up to `capacity` hits. Returns the number of hits.
/// Searches only the first UINT32_MAX bytes.
size_t crash_scan_find(
    const crash_scan_table *_Nonnull table, const uint8_t *_Nullable bytes, size_t length, crash_hit *_Nonnull hits,
    size_t capacity);

/// Does the same without AVX2, so that tests can compare the two.
size_t crash_scan_find_portable(
    const crash_scan_table *_Nonnull table, const uint8_t *_Nullable bytes, size_t length, crash_hit *_Nonnull hits,
    size_t capacity);
