#include "CFilter.h"

#include <math.h>
#include <string.h>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

#define INLINE static inline __attribute__((always_inline))
#define M SALVAGE_FILTER_MASTER_BITS

// A gram of n bytes is the low 8n bits of a little-endian word. Shifting it to the top drops all other bytes, and the
// top M bits of the product depend on all remaining ones. Each length has its own odd factor, so that grams of
// different lengths hash differently.
#define K5 0x9E3779B97F4A7C15ull
#define K4 0xC2B2AE3D27D4EB4Full
#define K3 0xD6E8FEB86659FD93ull
#define K5AGAIN 0xA0761D6478BD642Full

// 5- and 6-grams share a factor: a digit or a dot is never 0, so the lowest byte distinguishes them.
INLINE uint32_t place6(uint64_t v) { return (uint32_t)(((v << 16) * K5) >> (64 - M)); }
INLINE uint32_t place5(uint64_t v) { return (uint32_t)(((v << 24) * K5) >> (64 - M)); }
INLINE uint32_t again5(uint64_t v) { return (uint32_t)(((v << 24) * K5AGAIN) >> (64 - M)); }
INLINE uint32_t place4(uint64_t v) { return (uint32_t)(((v << 32) * K4) >> (64 - M)); }
INLINE uint32_t place3(uint64_t v) { return (uint32_t)(((v << 40) * K3) >> (64 - M)); }

// One byte per place while grams are added: a bit would need a read before each write, and the reads would wait for
// earlier writes.
INLINE void set(uint8_t *seen, uint32_t place) { seen[place] = 1; }

static inline uint8_t fold(uint8_t c) { return (uint8_t)(c + ((uint8_t)(c - 'A') < 26 ? 32 : 0)); }
static inline int stops(uint8_t c) { return (uint8_t)(c - '0') < 10 || c == '\n'; }
static inline int isLetter(uint8_t folded) { return (uint8_t)(folded - 'a') < 26; }
static inline int isDigit(uint8_t c) { return (uint8_t)(c - '0') < 10; }
static inline int isNumber(uint8_t c) { return (uint8_t)(c - '0') < 10 || c == '.'; }

INLINE uint64_t load64(const uint8_t *p) {
    uint64_t v;
    memcpy(&v, p, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    return v;
}

// The character classes of 64 bytes, one bit per byte.
typedef struct {
    uint64_t stop;   // digits and newlines, which short grams must not contain
    uint64_t number; // digits and dots
    uint64_t dot;
    uint64_t letter;
} Classes;

// Folds 64 bytes and classifies them.
INLINE Classes fold64(const uint8_t *in, uint8_t *out) {
    Classes found = {0, 0, 0, 0};
#if defined(__SSE2__)
    const __m128i biasA = _mm_set1_epi8((char)(128 - 'A')), limitA = _mm_set1_epi8((char)(-128 + 26));
    const __m128i bias0 = _mm_set1_epi8((char)(128 - '0')), limit0 = _mm_set1_epi8((char)(-128 + 10));
    const __m128i biasa = _mm_set1_epi8((char)(128 - 'a')), space = _mm_set1_epi8(32), newline = _mm_set1_epi8('\n'), point = _mm_set1_epi8('.');
    for (int k = 0; k < 4; k++) {
        __m128i v = _mm_loadu_si128((const __m128i *)(in + 16 * k));
        __m128i upper = _mm_cmplt_epi8(_mm_add_epi8(v, biasA), limitA);
        __m128i digit = _mm_cmplt_epi8(_mm_add_epi8(v, bias0), limit0), dot = _mm_cmpeq_epi8(v, point);
        __m128i stop = _mm_or_si128(digit, _mm_cmpeq_epi8(v, newline)), number = _mm_or_si128(digit, dot);
        __m128i lower = _mm_add_epi8(v, _mm_and_si128(upper, space));
        __m128i letter = _mm_cmplt_epi8(_mm_add_epi8(lower, biasa), limitA);
        _mm_storeu_si128((__m128i *)(out + 16 * k), lower);
        found.letter |= (uint64_t)(uint32_t)_mm_movemask_epi8(letter) << (16 * k);
        found.stop |= (uint64_t)(uint32_t)_mm_movemask_epi8(stop) << (16 * k);
        found.number |= (uint64_t)(uint32_t)_mm_movemask_epi8(number) << (16 * k);
        found.dot |= (uint64_t)(uint32_t)_mm_movemask_epi8(dot) << (16 * k);
    }
#else
    for (int k = 0; k < 64; k++) {
        out[k] = fold(in[k]);
        found.stop |= (uint64_t)stops(in[k]) << k;
        found.number |= (uint64_t)isNumber(in[k]) << k;
        found.dot |= (uint64_t)(in[k] == '.') << k;
        found.letter |= (uint64_t)isLetter(out[k]) << k;
    }
#endif
    return found;
}

// Shifts `low` down by `by` bits and fills in the low bits of the next word.
INLINE uint64_t ahead(uint64_t low, uint64_t next, int by) { return low >> by | next << (64 - by); }

// Positions of five bytes that are digits and dots, with at least one dot.
INLINE uint64_t dotted(Classes at, Classes next) {
    uint64_t number = at.number, dot = at.dot;
    for (int k = 1; k < 5; k++) {
        number &= ahead(at.number, next.number, k);
        dot |= ahead(at.dot, next.dot, k);
    }
    return number & dot;
}

// Positions of five bytes that are two or more letters, then one or more digits.
INLINE uint64_t tailed(Classes at, Classes next) {
    uint64_t letter[4], digit[5];
    for (int k = 1; k < 5; k++) {
        if (k < 4) letter[k] = ahead(at.letter, next.letter, k);
        digit[k] = ahead(at.number & ~at.dot, next.number & ~next.dot, k);
    }
    return at.letter & letter[1] & digit[4] & (letter[2] | digit[2]) & ((letter[3] & letter[2]) | digit[3]);
}

// A mask of the first `count` bits of a word.
INLINE uint64_t firsts(size_t count) { return count >= 64 ? ~0ull : (1ull << count) - 1; }

INLINE void set_long(uint8_t *seen, const uint8_t *p, uint64_t five, uint64_t six) {
    if (five == ~0ull) {
#pragma clang loop unroll_count(8)
        for (int j = 0; j < 64; j++) set(seen, place5(load64(p + j)));
        return;
    }
    if ((five | six) == ~0ull) {
        // The two kinds differ only in the shift.
        const uint64_t less = six;
#pragma clang loop unroll_count(8)
        for (int j = 0; j < 64; j++) {
            uint64_t shift = 24 - ((less >> j & 1) << 3);
            set(seen, (uint32_t)(((load64(p + j) << shift) * K5) >> (64 - M)));
        }
        return;
    }
    for (uint64_t m = five; m; m &= m - 1) set(seen, place5(load64(p + __builtin_ctzll(m))));
    for (uint64_t m = six; m; m &= m - 1) set(seen, place6(load64(p + __builtin_ctzll(m))));
}

#define CHUNK 4096

void salvage_filter_add(uint8_t *seen, const uint8_t *bytes, size_t count) {
    uint8_t folded[CHUNK + 128];
    Classes classes[CHUNK / 64 + 2];
    const Classes nothing = {~0ull, 0, 0, 0};
    // Each round handles CHUNK starts and reads five bytes more, for the grams that begin near the end.
    for (size_t base = 0; base < count; base += CHUNK) {
        size_t have = count - base;
        size_t starts = have < CHUNK ? have : CHUNK;
        size_t shown = have < CHUNK + 5 ? have : CHUNK + 5;
        size_t words = (starts + 63) / 64;
        size_t whole = shown / 64;
        for (size_t w = 0; w < whole; w++) classes[w] = fold64(bytes + base + 64 * w, folded + 64 * w);
        uint8_t last[64] = {0};
        memcpy(last, bytes + base + 64 * whole, shown - 64 * whole);
        classes[whole] = fold64(last, folded + 64 * whole);
        classes[whole].stop |= ~firsts(shown % 64);
        if (whole + 1 <= words) classes[whole + 1] = nothing;
        for (size_t w = 0; w < words; w++) {
            const uint8_t *p = folded + 64 * w;
            Classes at = classes[w], next = classes[w + 1];
            size_t left = shown - 64 * w, mine = starts - 64 * w;
            uint64_t number = dotted(at, next);
            uint64_t five = firsts(left >= 5 ? left - 4 : 0) & firsts(mine) & ~number;
            uint64_t six = firsts(left >= 6 ? left - 5 : 0) & firsts(mine) & number;
            set_long(seen, p, five, six);
            for (uint64_t m = tailed(at, next) & five; m; m &= m - 1)
                set(seen, again5(load64(p + __builtin_ctzll(m))));
            uint64_t s1 = at.stop | ahead(at.stop, next.stop, 1);
            uint64_t ok3 = ~(s1 | ahead(at.stop, next.stop, 2));
            uint64_t ok4 = ok3 & ~ahead(at.stop, next.stop, 3);
            // In a partial last word, the stop bits after the end exclude positions that do not exist.
            for (uint64_t m = ok3; m; m &= m - 1) {
                int j = __builtin_ctzll(m);
                uint64_t v = load64(p + j);
                set(seen, place3(v));
                // Without a branch, which would often be mispredicted.
                set(seen, ok4 >> j & 1 ? place4(v) : place3(v));
            }
        }
    }
}

// Packs bytes that are 0 or 1 into bits; `count` is a multiple of 64.
INLINE void gather(const uint8_t *bytes, uint64_t *bits, size_t count) {
    for (size_t w = 0; w < count / 64; w++) {
        uint64_t word = 0;
#if defined(__SSE2__)
        for (int k = 0; k < 4; k++) {
            __m128i v = _mm_loadu_si128((const __m128i *)(bytes + 64 * w + 16 * k));
            word |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_sub_epi8(_mm_setzero_si128(), v)) << (16 * k);
        }
#else
        for (int k = 0; k < 64; k++) word |= (uint64_t)bytes[64 * w + k] << k;
#endif
        bits[w] = word;
    }
}

void salvage_filter_gather(const uint8_t *seen, uint64_t *master) { gather(seen, master, 1u << M); }

uint32_t salvage_filter_bits(const uint64_t *master) {
    const double cells = (double)(1u << M);
    uint64_t ones = 0;
    for (size_t i = 0; i < (1u << M) / 64; i++) ones += (uint64_t)__builtin_popcountll(master[i]);
    double load = (double)ones / cells;
    // Estimates the number of distinct grams from the share of set cells; a full master means "very many".
    double distinct = load < 0.999 ? -cells * log1p(-load) : cells * 7;
    // 1 / -ln(1 - 0.55): at 55 % load a filter is an eighth smaller than at 50 %, which hardly adds false positives for
    // literals of a word or more, with a dozen grams.
    double want = 1.2523 * distinct;
    if (want > cells) want = cells;
    return salvage_filter_class((uint32_t)want);
}

uint32_t salvage_filter_class(uint32_t bits) {
    if (bits >= 1u << M) return 1u << M;
    // Below four steps of 64 bits, the steps of an octave would be smaller than a word.
    uint32_t step = 64;
    while (bits > 8 * step) step *= 2;
    uint32_t below = bits / step * step;
    uint32_t near = bits - below < step - (bits - below) ? below : below + step;
    return near < 64 ? 64 : near;
}

void salvage_filter_fold(const uint64_t *master, uint8_t *room, uint64_t *filter, uint32_t bits) {
    memset(room, 0, bits);
    for (size_t i = 0; i < (1u << M) / 64; i++)
        for (uint64_t m = master[i]; m; m &= m - 1)
            room[((i * 64 + (uint64_t)__builtin_ctzll(m)) * bits) >> M] = 1;
    gather(room, filter, bits);
}

// Whether five bytes are part of a dotted number; see `dotted`.
static int is_dotted(const uint8_t *p) {
    int numbers = 0, dots = 0;
    for (int k = 0; k < 5; k++) {
        numbers += isNumber(p[k]);
        dots += p[k] == '.';
    }
    return numbers == 5 && dots > 0;
}

// Whether five folded bytes are the end of a word followed by digits; see `tailed`.
static int is_tailed(const uint8_t *p) {
    int letters = 0;
    while (letters < 5 && isLetter(p[letters])) letters++;
    if (letters < 2 || letters == 5) return 0;
    for (int k = letters; k < 5; k++)
        if (!isDigit(p[k])) return 0;
    return 1;
}

static size_t add_place(uint32_t *places, size_t used, size_t capacity, uint32_t place) {
    for (size_t k = 0; k < used; k++)
        if (places[k] == place) return used;
    if (used < capacity) places[used++] = place;
    return used;
}

size_t salvage_filter_places(
    int format, const uint8_t *literal, size_t count, const uint8_t *skip, uint32_t *places, size_t capacity) {
    size_t used = 0;
    for (size_t shortest = 5; shortest >= 3; shortest--) {
        for (size_t i = 0; i + shortest <= count && used < capacity; i++) {
            size_t length = shortest;
            if (length == 5 && format >= 2 && is_dotted(literal + i)) length = 6;
            if (i + length > count) continue;
            uint8_t gram[8] = {0};
            int usable = 1;
            for (size_t j = 0; j < length; j++) {
                uint8_t c = literal[i + j];
                gram[j] = fold(c);
                if ((skip && skip[c]) || (length < 5 && stops(c))) usable = 0;
            }
            if (!usable) continue;
            uint64_t v = load64(gram);
            uint32_t place = length == 6 ? place6(v) : length == 5 ? place5(v) : length == 4 ? place4(v) : place3(v);
            used = add_place(places, used, capacity, place);
            if (length == 5 && format >= 2 && is_tailed(gram)) used = add_place(places, used, capacity, again5(v));
        }
    }
    return used;
}

size_t salvage_count_newlines(const uint8_t *bytes, size_t count) {
    size_t total = 0, i = 0;
    // Byte sums cannot overflow within 255 rounds, which lets the compiler use byte vectors.
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
