// Searches for many literals at once (Hyperscan's Teddy scheme). The table holds a window of four bytes per literal,
// chosen so that the fewest other texts pass. With AVX2, 32 positions at a time are tested against the nibbles of these
// windows; what passes is compared in full.
#include "CCrashScan.h"
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { WINDOW = 4, SLOTS = 2048, BUCKETS = 8 };

struct crash_scan_table {
    crash_literal literals[CRASH_SCAN_LIMIT];
    uint8_t window_at[CRASH_SCAN_LIMIT];
    uint32_t window[CRASH_SCAN_LIMIT];
    int16_t next[CRASH_SCAN_LIMIT]; // chain of literals with the same slot
    int16_t slot[SLOTS];
    size_t count;
    uint8_t low[WINDOW][16], high[WINDOW][16]; // bucket bits by nibble
    uint8_t pair[65536 / 8]; // which first two bytes of a window occur
};

// Roughly how common a byte is in logs, as a power of two; lower is rarer.
static unsigned weight(uint8_t byte) {
    if (byte == ' ' || byte == '0') return 6;
    if (byte == 'e' || byte == 't' || byte == 'a' || byte == 'o' || byte == 'i' || byte == 'n' || byte == 'r' ||
        byte == 's')
        return 6;
    if (byte >= 'a' && byte <= 'z') return 5;
    if (byte >= '1' && byte <= '9') return 5;
    if (byte == ':' || byte == '.' || byte == '-' || byte == ',' || byte == '/' || byte == '\n') return 5;
    if (byte >= 'A' && byte <= 'Z') return 3;
    if (byte == '"' || byte == '=' || byte == '_' || byte == '[' || byte == ']' || byte == '(' || byte == ')') return 4;
    return 2;
}

static uint32_t load4(const uint8_t *bytes) {
    uint32_t value;
    memcpy(&value, bytes, 4);
    return value;
}

static uint32_t slot_of(uint32_t window) { return (window * 2654435761u) >> 21; }

// The nibbles that one bucket accepts at one position of its windows, with the summed frequencies of their bytes.
typedef struct {
    uint16_t lows, highs; // a bit for each nibble in the set
    uint32_t passing; // sum over all bytes with both nibbles in the sets
    uint32_t rows[16]; // sum over the bytes with this high nibble whose low one is in its set
    uint32_t columns[16]; // sum over the bytes with this low nibble whose high one is in its set
} nibble_sets;

// The sums of all buckets, updated as literals are added. Computing them per literal took most of the startup time.
typedef struct {
    uint32_t often[256];
    nibble_sets sets[BUCKETS][WINDOW];
} frequencies;

static void add(frequencies *known, nibble_sets *sets, uint8_t byte) {
    sets->highs |= (uint16_t)(1 << (byte >> 4));
    sets->lows |= (uint16_t)(1 << (byte & 15));
    sets->passing = 0;
    memset(sets->rows, 0, sizeof sets->rows);
    memset(sets->columns, 0, sizeof sets->columns);
    for (int high = 0; high < 16; high++) {
        for (int low = 0; low < 16; low++) {
            uint32_t often = known->often[high << 4 | low];
            int has_high = sets->highs >> high & 1, has_low = sets->lows >> low & 1;
            if (has_low) sets->rows[high] += often;
            if (has_high) sets->columns[low] += often;
            if (has_low && has_high) sets->passing += often;
        }
    }
}

// The share of all bytes that pass a position once `byte` is added to it.
static double share(const frequencies *known, const nibble_sets *sets, uint8_t byte) {
    int new_high = !(sets->highs >> (byte >> 4) & 1), new_low = !(sets->lows >> (byte & 15) & 1);
    uint32_t sum = sets->passing;
    if (new_high) sum += sets->rows[byte >> 4];
    if (new_low) sum += sets->columns[byte & 15];
    if (new_high && new_low) sum += known->often[byte];
    return sum / 2048.0;
}

// Chooses the window of a literal and the bucket that together let the fewest other texts pass. Returns the bucket.
static int choose(const frequencies *known, const crash_literal *literal, uint8_t *chosen) {
    double best = -1;
    int choice = 0;
    for (int bucket = 0; bucket < BUCKETS; bucket++) {
        const nibble_sets *sets = known->sets[bucket];
        double before = 1;
        for (int step = 0; step < WINDOW; step++) before *= sets[step].passing / 2048.0;
        for (uint32_t start = 0; start + WINDOW <= literal->length; start++) {
            double after = 1;
            for (int step = 0; step < WINDOW; step++) {
                after *= share(known, &sets[step], literal->bytes[start + step]);
            }
            if (best < 0 || after - before < best) {
                best = after - before;
                choice = bucket;
                *chosen = (uint8_t)start;
            }
        }
    }
    return choice;
}

crash_scan_table *crash_scan_build(const crash_literal *literals, size_t count) {
    if (count > CRASH_SCAN_LIMIT) return NULL;
    crash_scan_table *table = calloc(1, sizeof *table);
    if (!table) return NULL;
    frequencies *known = calloc(1, sizeof *known);
    if (!known) {
        free(table);
        return NULL;
    }
    for (int byte = 0; byte < 256; byte++) known->often[byte] = 1u << weight((uint8_t)byte);
    memset(table->slot, 0xff, sizeof table->slot);
    for (size_t index = 0; index < count; index++) {
        const crash_literal *literal = &literals[index];
        if (literal->length < WINDOW || literal->length > 64) {
            free(known);
            free(table);
            return NULL;
        }
        table->literals[index] = *literal;
        uint8_t at = 0;
        int bucket = choose(known, literal, &at);
        uint8_t bit = (uint8_t)(1 << bucket);
        const uint8_t *window = literal->bytes + at;
        table->window_at[index] = at;
        table->window[index] = load4(window);
        uint32_t slot = slot_of(table->window[index]);
        table->next[index] = table->slot[slot];
        table->slot[slot] = (int16_t)index;
        uint32_t pair = window[0] | window[1] << 8;
        table->pair[pair / 8] |= (uint8_t)(1 << (pair & 7));
        for (int step = 0; step < WINDOW; step++) {
            table->low[step][window[step] & 15] |= bit;
            table->high[step][window[step] >> 4] |= bit;
            add(known, &known->sets[bucket][step], window[step]);
        }
        table->count = index + 1;
    }
    free(known);
    return table;
}

void crash_scan_free(crash_scan_table *table) { free(table); }

typedef struct {
    const crash_scan_table *table;
    const uint8_t *bytes;
    size_t length;
    crash_hit *hits;
    size_t capacity, count;
} search;

// Compares the literals whose window begins at `at`; at + WINDOW <= length.
static inline void compare(search *state, size_t at) {
    const crash_scan_table *table = state->table;
    uint32_t window = load4(state->bytes + at);
    for (int index = table->slot[slot_of(window)]; index >= 0; index = table->next[index]) {
        if (table->window[index] != window) continue;
        size_t before = table->window_at[index];
        uint32_t length = table->literals[index].length;
        if (before > at || length > state->length - (at - before)) continue;
        if (memcmp(state->bytes + at - before, table->literals[index].bytes, length) != 0) continue;
        if (state->count == state->capacity) return;
        state->hits[state->count++] = (crash_hit){(uint32_t)(at - before), (uint32_t)index};
    }
}

static void portable(search *state, size_t at) {
    const uint8_t *pair = state->table->pair;
    for (; at + WINDOW <= state->length && state->count < state->capacity; at++) {
        uint32_t key = state->bytes[at] | state->bytes[at + 1] << 8;
        if (pair[key / 8] & (1 << (key & 7))) compare(state, at);
    }
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static size_t wide(search *state) {
    const crash_scan_table *table = state->table;
    __m256i low[WINDOW], high[WINDOW];
    for (int step = 0; step < WINDOW; step++) {
        low[step] = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)table->low[step]));
        high[step] = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)table->high[step]));
    }
    const __m256i nibble = _mm256_set1_epi8(15);
    const __m256i zero = _mm256_setzero_si256();
    size_t at = 0;
    while (at + 32 + WINDOW - 1 <= state->length && state->count < state->capacity) {
        __m256i found = _mm256_set1_epi8(-1);
        for (int step = 0; step < WINDOW; step++) {
            __m256i text = _mm256_loadu_si256((const __m256i *)(state->bytes + at + step));
            __m256i lower = _mm256_shuffle_epi8(low[step], _mm256_and_si256(text, nibble));
            __m256i upper = _mm256_shuffle_epi8(high[step], _mm256_and_si256(_mm256_srli_epi16(text, 4), nibble));
            found = _mm256_and_si256(found, _mm256_and_si256(lower, upper));
        }
        uint32_t mask = ~(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(found, zero));
        while (mask) {
            compare(state, at + (size_t)__builtin_ctz(mask));
            mask &= mask - 1;
        }
        at += 32;
    }
    return at;
}
#endif

static int by_offset(const void *left, const void *right) {
    const crash_hit *a = left, *b = right;
    if (a->offset != b->offset) return a->offset < b->offset ? -1 : 1;
    return a->literal < b->literal ? -1 : a->literal > b->literal;
}

static search begin(
    const crash_scan_table *table, const uint8_t *bytes, size_t length, crash_hit *hits, size_t capacity) {
    return (search){table, bytes, bytes ? (length > UINT32_MAX ? UINT32_MAX : length) : 0, hits, capacity, 0};
}

// Windows start at different places in their literals, so hits are found nearly but not quite in order.
static size_t finish(search *state) {
    if (state->count > 1) qsort(state->hits, state->count, sizeof *state->hits, by_offset);
    return state->count;
}

size_t crash_scan_find(
    const crash_scan_table *table, const uint8_t *bytes, size_t length, crash_hit *hits, size_t capacity) {
    search state = begin(table, bytes, length, hits, capacity);
    size_t at = 0;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) at = wide(&state);
#endif
    portable(&state, at);
    return finish(&state);
}

size_t crash_scan_find_portable(
    const crash_scan_table *table, const uint8_t *bytes, size_t length, crash_hit *hits, size_t capacity) {
    search state = begin(table, bytes, length, hits, capacity);
    portable(&state, 0);
    return finish(&state);
}
