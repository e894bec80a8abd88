#pragma once

#include <stddef.h>
#include <stdint.h>

// A gram's place in a finished filter of m bits is (h * m) >> 18, so the size of the master bitmap, 2^18 bits, costs no
// precision as long as m is not larger than that.
#define SALVAGE_FILTER_MASTER_BITS 18
#define SALVAGE_FILTER_MASTER_BYTES 32768
#define SALVAGE_FILTER_PLACES (1 << SALVAGE_FILTER_MASTER_BITS)

/// Sets the byte of every gram of `bytes` in `seen` (SALVAGE_FILTER_PLACES bytes, cleared by the caller) to 1:
/// each 5-gram, each 4-gram and 3-gram that has neither a digit nor a newline, all with ASCII letters folded. Where five
/// bytes are digits and dots, a dot among them, the 6-gram that begins there takes their place; five bytes that are two
/// letters or more and then digits set a second one.
void salvage_filter_add(uint8_t *seen, const uint8_t *bytes, size_t count);

/// Makes of the bytes of `seen` the bits of `master` (SALVAGE_FILTER_MASTER_BYTES).
void salvage_filter_gather(const uint8_t *seen, uint64_t *master);

/// Bits that a filter at 55 % load needs for what `master` holds: a multiple of 64, at least 64.
uint32_t salvage_filter_bits(const uint64_t *master);

/// Copies the set bits of `master` into `filter` (`bits` / 8 bytes), by way of the `bits` bytes of `room`.
void salvage_filter_fold(const uint64_t *master, uint8_t *room, uint64_t *filter, uint32_t bits);

/// The places (0 ..< 2^18) of the grams of `literal` in filters of a format, 1 or 2 (at most `capacity` of them, the most selective first).
/// Grams with a byte whose entry in `skip` (256 entries, may be NULL) is not 0 are left out. Returns their number.
size_t salvage_filter_places(
    int format, const uint8_t *literal, size_t count, const uint8_t *skip, uint32_t *places, size_t capacity);

/// CRC-32C (Castagnoli), continued from `crc`; start with 0.
uint32_t salvage_crc32c(uint32_t crc, const void *bytes, size_t count);

/// Length of what ends with the last newline of `bytes`; 0 when there is none.
size_t salvage_through_last_newline(const uint8_t *bytes, size_t count);

/// Number of newlines in `bytes`.
size_t salvage_count_newlines(const uint8_t *bytes, size_t count);
