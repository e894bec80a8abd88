#include "CFilter.h"

#include <math.h>
#include <string.h>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

#define INLINE static inline __attribute__((always_inline))
#define M SALVAGE_FILTER_MASTER_BITS

// A gram of n bytes is the low 8n bits of a little-endian word. Shifting it to the top drops the bytes that do not
// belong to it, and the top M bits of the product depend on all that remain. A different odd factor per length keeps
// the three kinds apart.
#define K5 0x9E3779B97F4A7C15ull
#define K4 0xC2B2AE3D27D4EB4Full
#define K3 0xD6E8FEB86659FD93ull

INLINE uint32_t place5(uint64_t v) { return (uint32_t)(((v << 24) * K5) >> (64 - M)); }
INLINE uint32_t place4(uint64_t v) { return (uint32_t)(((v << 32) * K4) >> (64 - M)); }
INLINE uint32_t place3(uint64_t v) { return (uint32_t)(((v << 40) * K3) >> (64 - M)); }

INLINE void set(uint64_t *master, uint32_t place) { master[place >> 6] |= 1ull << (place & 63); }

static inline uint8_t fold(uint8_t c) { return (uint8_t)(c + ((uint8_t)(c - 'A') < 26 ? 32 : 0)); }
static inline int stops(uint8_t c) { return (uint8_t)(c - '0') < 10 || c == '\n'; }

INLINE uint64_t load64(const uint8_t *p) {
    uint64_t v;
    memcpy(&v, p, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    return v;
}

// Folds 64 bytes and returns the mask of those that end the short grams (digits and newlines).
INLINE uint64_t fold64(const uint8_t *in, uint8_t *out) {
    uint64_t mask = 0;
#if defined(__SSE2__)
    const __m128i biasA = _mm_set1_epi8((char)(128 - 'A')), limitA = _mm_set1_epi8((char)(-128 + 26));
    const __m128i bias0 = _mm_set1_epi8((char)(128 - '0')), limit0 = _mm_set1_epi8((char)(-128 + 10));
    const __m128i space = _mm_set1_epi8(32), newline = _mm_set1_epi8('\n');
    for (int k = 0; k < 4; k++) {
        __m128i v = _mm_loadu_si128((const __m128i *)(in + 16 * k));
        __m128i upper = _mm_cmplt_epi8(_mm_add_epi8(v, biasA), limitA);
        __m128i stop = _mm_or_si128(_mm_cmplt_epi8(_mm_add_epi8(v, bias0), limit0), _mm_cmpeq_epi8(v, newline));
        _mm_storeu_si128((__m128i *)(out + 16 * k), _mm_add_epi8(v, _mm_and_si128(upper, space)));
        mask |= (uint64_t)(uint32_t)_mm_movemask_epi8(stop) << (16 * k);
    }
#else
    for (int k = 0; k < 64; k++) {
        out[k] = fold(in[k]);
        mask |= (uint64_t)stops(in[k]) << k;
    }
#endif
    return mask;
}

#define CHUNK 4096

void salvage_filter_add(uint64_t *master, const uint8_t *bytes, size_t count) {
    uint8_t folded[CHUNK + 128];
    uint64_t stop[CHUNK / 64 + 2];
    // Each turn looks at CHUNK starts and, for the grams that begin near the end, at the four bytes after them.
    for (size_t base = 0; base < count; base += CHUNK) {
        size_t have = count - base;
        size_t starts = have < CHUNK ? have : CHUNK;
        size_t seen = have < CHUNK + 4 ? have : CHUNK + 4;
        size_t words = (starts + 63) / 64;
        size_t whole = seen / 64;
        for (size_t w = 0; w < whole; w++) stop[w] = fold64(bytes + base + 64 * w, folded + 64 * w);
        uint8_t last[64] = {0};
        memcpy(last, bytes + base + 64 * whole, seen - 64 * whole);
        stop[whole] = fold64(last, folded + 64 * whole);
        if (seen % 64) stop[whole] |= ~0ull << (seen % 64);
        else stop[whole] = ~0ull;
        if (whole + 1 <= words) stop[whole + 1] = ~0ull;
        size_t fives = seen >= 5 ? seen - 4 : 0;
        if (fives > starts) fives = starts;
        for (size_t w = 0; w < words; w++) {
            const uint8_t *p = folded + 64 * w;
            size_t n5 = fives > 64 * w ? fives - 64 * w : 0;
            if (n5 >= 64) {
#pragma clang loop unroll_count(8)
                for (int j = 0; j < 64; j++) set(master, place5(load64(p + j)));
            } else {
                for (size_t j = 0; j < n5; j++) set(master, place5(load64(p + j)));
            }
            uint64_t s = stop[w], next = stop[w + 1];
            uint64_t s1 = s | (s >> 1 | next << 63);
            uint64_t ok3 = ~(s1 | (s >> 2 | next << 62));
            uint64_t ok4 = ok3 & ~(s >> 3 | next << 61);
            // Where the last word is only partly filled the stop bits beyond the end forbid what does not exist.
            for (uint64_t m = ok3; m; m &= m - 1) {
                int j = __builtin_ctzll(m);
                uint64_t v = load64(p + j);
                set(master, place3(v));
                uint32_t at = place4(v);
                master[at >> 6] |= ((ok4 >> j) & 1) << (at & 63);
            }
        }
    }
}

uint32_t salvage_filter_bits(const uint64_t *master) {
    const double cells = (double)(1u << M);
    uint64_t ones = 0;
    for (size_t i = 0; i < (1u << M) / 64; i++) ones += (uint64_t)__builtin_popcountll(master[i]);
    double load = (double)ones / cells;
    // Distinct grams from the share of set cells; a full master says only "very many".
    double distinct = load < 0.999 ? -cells * log1p(-load) : cells * 7;
    // 1 / -ln(1 - 0.53): at 53 % load a filter takes a twelfth less than at 50 %, and a literal of a word or more, which
    // asks for a dozen grams, hardly ever passes because of it.
    double want = 1.3245 * distinct;
    if (want > cells) want = cells;
    uint32_t bits = ((uint32_t)want + 63) / 64 * 64;
    if (bits < 64) bits = 64;
    if (bits > (1u << M)) bits = 1u << M;
    return bits;
}

void salvage_filter_fold(const uint64_t *master, uint64_t *filter, uint32_t bits) {
    // Places come in rising order, so a word of the filter is gathered in a register and written once; going through
    // memory for each bit would wait for the store before it.
    uint64_t gathered = 0;
    uint32_t current = 0;
    memset(filter, 0, bits / 8);
    for (size_t i = 0; i < (1u << M) / 64; i++) {
        for (uint64_t m = master[i]; m; m &= m - 1) {
            uint64_t h = i * 64 + (uint64_t)__builtin_ctzll(m);
            uint32_t at = (uint32_t)((h * bits) >> M);
            if (at >> 6 != current) {
                filter[current] = gathered;
                current = at >> 6;
                gathered = 0;
            }
            gathered |= 1ull << (at & 63);
        }
    }
    filter[current] = gathered;
}

size_t salvage_filter_places(const uint8_t *literal, size_t count, const uint8_t *skip, uint32_t *places, size_t capacity) {
    size_t used = 0;
    for (size_t length = 5; length >= 3; length--) {
        for (size_t i = 0; i + length <= count && used < capacity; i++) {
            uint8_t gram[8] = {0};
            int usable = 1;
            for (size_t j = 0; j < length; j++) {
                uint8_t c = literal[i + j];
                gram[j] = fold(c);
                if ((skip && skip[c]) || (length < 5 && stops(c))) usable = 0;
            }
            if (!usable) continue;
            uint64_t v = load64(gram);
            uint32_t place = length == 5 ? place5(v) : length == 4 ? place4(v) : place3(v);
            size_t k = 0;
            while (k < used && places[k] != place) k++;
            if (k == used) places[used++] = place;
        }
    }
    return used;
}

size_t salvage_count_newlines(const uint8_t *bytes, size_t count) {
    size_t total = 0, i = 0;
    // Sums of bytes stay bytes for 255 rounds, which lets the compiler use whole vectors.
    while (count - i >= 64) {
        uint8_t sums[64] = {0};
        size_t rounds = (count - i) / 64;
        if (rounds > 255) rounds = 255;
        for (size_t r = 0; r < rounds; r++, i += 64)
            for (size_t k = 0; k < 64; k++) sums[k] = (uint8_t)(sums[k] + (bytes[i + k] == '\n'));
        for (size_t k = 0; k < 64; k++) total += sums[k];
    }
    for (; i < count; i++) total += bytes[i] == '\n';
    return total;
}

size_t salvage_through_last_newline(const uint8_t *bytes, size_t count) {
    const uint8_t *last = memrchr(bytes, '\n', count);
    return last ? (size_t)(last - bytes) + 1 : 0;
}
