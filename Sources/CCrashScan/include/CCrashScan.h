#pragma once
#include <stddef.h>
#include <stdint.h>

/// Most literals a table takes.
#define CRASH_SCAN_LIMIT 256

/// A literal to look for; the bytes must outlive the table.
typedef struct {
    const uint8_t *_Nonnull bytes;
    uint32_t length; ///< at least 4, at most 64
} crash_literal;

typedef struct {
    uint32_t offset; ///< where the literal begins in the searched bytes
    uint32_t literal; ///< its index
} crash_hit;

typedef struct crash_scan_table crash_scan_table;

/// Builds a table for up to CRASH_SCAN_LIMIT literals; NULL when there are too many, one is too short, or memory
/// is short. The table is read-only afterwards and may be used from any thread.
crash_scan_table *_Nullable crash_scan_build(const crash_literal *_Nonnull literals, size_t count);
void crash_scan_free(crash_scan_table *_Nullable table);

/// Finds every occurrence of every literal in order of offset; stops when `capacity` hits are found.
/// Returns the number of hits. Lengths above 4 GiB are cut.
size_t crash_scan_find(
    const crash_scan_table *_Nonnull table, const uint8_t *_Nullable bytes, size_t length, crash_hit *_Nonnull hits,
    size_t capacity);

/// The same by the portable path, so that tests can compare the two.
size_t crash_scan_find_portable(
    const crash_scan_table *_Nonnull table, const uint8_t *_Nullable bytes, size_t length, crash_hit *_Nonnull hits,
    size_t capacity);

/// An unnamed file in memory, closed on exec; -1 when the kernel refuses.
int crash_unnamed_file(void);
