#pragma once

#include <stddef.h>
#include <stdint.h>

// A gram's place in a finished filter of m bits is (h * m) >> 18, so the master bitmap of 2^18 bits loses no precision
// while m is at most 2^18.
#define SALVAGE_FILTER_MASTER_BITS 18
#define SALVAGE_FILTER_MASTER_BYTES 32768
#define SALVAGE_FILTER_PLACES (1 << SALVAGE_FILTER_MASTER_BITS)

/// Sets the byte of every gram of `bytes` in `seen` (SALVAGE_FILTER_PLACES bytes, cleared by the caller) to 1: each
/// 5-gram, each 4-gram and 3-gram that has neither a digit nor a newline, all with ASCII letters folded. Where five
/// bytes are digits and dots with at least one dot, the 6-gram that begins there replaces the 5-gram. Five bytes that
/// are two or more letters and then digits set a second byte.
void salvage_filter_add(uint8_t *seen, const uint8_t *bytes, size_t count);

/// Packs the bytes of `seen` into the bits of `master` (SALVAGE_FILTER_MASTER_BYTES).
void salvage_filter_gather(const uint8_t *seen, uint64_t *master);

/// Returns the number of bits of a filter at about 55 % load for the grams in `master`: one of the sizes that
/// salvage_filter_class returns.
uint32_t salvage_filter_bits(const uint64_t *master);

/// Returns the size nearest to `bits` among the sizes that filters have: multiples of 64 up to 512, then four in each
/// doubling (5, 6, 7 and 8 times a power of two), up to 2^18. A matrix of many filters needs few sizes, and a finished
/// filter cannot be resized without admitting more blocks.
uint32_t salvage_filter_class(uint32_t bits);

/// Copies the set bits of `master` into `filter` (`bits` / 8 bytes), using the `bits` bytes of `room` as scratch space.
void salvage_filter_fold(const uint64_t *master, uint8_t *room, uint64_t *filter, uint32_t bits);

/// Writes to `places` the places (0 ..< 2^18) of the grams of `literal` in filters of format 1 or 2: at most
/// `capacity`, the most selective first. Leaves out grams with a byte whose entry in `skip` (256 entries, may be NULL)
/// is not 0. Returns the number written.
size_t salvage_filter_places(
    int format, const uint8_t *literal, size_t count, const uint8_t *skip, uint32_t *places, size_t capacity);

/// CRC-32C (Castagnoli), continued from `crc`; start with 0.
uint32_t salvage_crc32c(uint32_t crc, const void *bytes, size_t count);

/// Length of `bytes` up to and including the last newline; 0 when there is none.
size_t salvage_through_last_newline(const uint8_t *bytes, size_t count);

/// Number of newlines in `bytes`.
size_t salvage_count_newlines(const uint8_t *bytes, size_t count);
