#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "CHyperscan.h"

#if defined(__x86_64__) && !defined(SALVAGE_NO_HYPERSCAN) && defined(__has_include)
#if __has_include(<hs/hs.h>)
#define HAS_HYPERSCAN 1
#endif
#endif

#if HAS_HYPERSCAN
#include <dlfcn.h>
#include <hs/hs.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static struct {
    __typeof__(&hs_compile) compile;
    __typeof__(&hs_free_compile_error) free_compile_error;
    __typeof__(&hs_free_database) free_database;
    __typeof__(&hs_alloc_scratch) alloc_scratch;
    __typeof__(&hs_free_scratch) free_scratch;
    __typeof__(&hs_scan) scan;
    __typeof__(&hs_valid_platform) valid_platform;
    int usable;
} library;

static void load(void) {
    void *handle = dlopen("libhs.so.5", RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) return;
    library.compile = (__typeof__(library.compile))dlsym(handle, "hs_compile");
    library.free_compile_error = (__typeof__(library.free_compile_error))dlsym(handle, "hs_free_compile_error");
    library.free_database = (__typeof__(library.free_database))dlsym(handle, "hs_free_database");
    library.alloc_scratch = (__typeof__(library.alloc_scratch))dlsym(handle, "hs_alloc_scratch");
    library.free_scratch = (__typeof__(library.free_scratch))dlsym(handle, "hs_free_scratch");
    library.scan = (__typeof__(library.scan))dlsym(handle, "hs_scan");
    library.valid_platform = (__typeof__(library.valid_platform))dlsym(handle, "hs_valid_platform");
    library.usable = library.compile && library.free_compile_error && library.free_database && library.alloc_scratch
        && library.free_scratch && library.scan && library.valid_platform && library.valid_platform() == HS_SUCCESS;
}

int salvage_hs_is_available(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    return library.usable;
}

struct salvage_hs_pattern {
    hs_database_t *database;
};

struct salvage_hs_scratch {
    hs_scratch_t *memory;
};

salvage_hs_pattern *salvage_hs_compile(const char *pattern, int caseless) {
    if (!salvage_hs_is_available()) return NULL;
    salvage_hs_pattern *compiled = calloc(1, sizeof *compiled);
    if (compiled == NULL) return NULL;
    unsigned flags = HS_FLAG_MULTILINE | (caseless ? HS_FLAG_CASELESS : 0);
    // The second attempt lets Hyperscan replace what it cannot express with something that matches more.
    for (int attempt = 0; attempt < 2; attempt++) {
        hs_compile_error_t *error = NULL;
        unsigned more = attempt == 0 ? 0 : HS_FLAG_PREFILTER;
        if (library.compile(pattern, flags | more, HS_MODE_BLOCK, NULL, &compiled->database, &error) == HS_SUCCESS)
            return compiled;
        library.free_compile_error(error);
    }
    free(compiled);
    return NULL;
}

void salvage_hs_free(salvage_hs_pattern *pattern) {
    if (pattern == NULL) return;
    library.free_database(pattern->database);
    free(pattern);
}

salvage_hs_scratch *salvage_hs_make_scratch(const salvage_hs_pattern *pattern) {
    salvage_hs_scratch *scratch = calloc(1, sizeof *scratch);
    if (scratch == NULL) return NULL;
    if (library.alloc_scratch(pattern->database, &scratch->memory) == HS_SUCCESS) return scratch;
    free(scratch);
    return NULL;
}

void salvage_hs_free_scratch(salvage_hs_scratch *scratch) {
    if (scratch == NULL) return;
    library.free_scratch(scratch->memory);
    free(scratch);
}

typedef struct {
    const uint8_t *bytes;
    size_t count;
    uint32_t *places;
    size_t capacity, used;
    // The line of the last place, which often has more matches.
    size_t start, end;
    int sorted;
} Walk;

static int matched(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *context) {
    (void)id, (void)from, (void)flags;
    Walk *walk = context;
    // The last byte of the match; no match is empty or contains a line feed.
    size_t at = to > 0 ? (size_t)to - 1 : 0;
    if (at >= walk->count) return 0;
    if (walk->used > 0 && at >= walk->start && at <= walk->end) return 0;
    if (walk->used == walk->capacity) return 1;
    if (walk->used > 0 && at < walk->start) walk->sorted = 0;
    const uint8_t *before = memrchr(walk->bytes, '\n', at);
    const uint8_t *after = memchr(walk->bytes + at, '\n', walk->count - at);
    walk->start = before ? (size_t)(before - walk->bytes) + 1 : 0;
    walk->end = after ? (size_t)(after - walk->bytes) : walk->count;
    walk->places[walk->used++] = (uint32_t)at;
    return 0;
}

static int ascending(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

long salvage_hs_lines(const salvage_hs_pattern *pattern, salvage_hs_scratch *scratch, const uint8_t *bytes, size_t count,
                      uint32_t *places, size_t capacity) {
    if (count > UINT32_MAX / 2) return -1;
    Walk walk = {.bytes = bytes, .count = count, .places = places, .capacity = capacity, .sorted = 1};
    int code = library.scan(pattern->database, (const char *)bytes, (unsigned)count, 0, scratch->memory, matched, &walk);
    if (code != HS_SUCCESS) return -1;
    // A line may then have several places; the caller skips the repeated ones.
    if (!walk.sorted) qsort(places, walk.used, sizeof *places, ascending);
    return (long)walk.used;
}

#else

int salvage_hs_is_available(void) { return 0; }

salvage_hs_pattern *salvage_hs_compile(const char *pattern, int caseless) {
    (void)pattern, (void)caseless;
    return NULL;
}

void salvage_hs_free(salvage_hs_pattern *pattern) { (void)pattern; }

salvage_hs_scratch *salvage_hs_make_scratch(const salvage_hs_pattern *pattern) {
    (void)pattern;
    return NULL;
}

void salvage_hs_free_scratch(salvage_hs_scratch *scratch) { (void)scratch; }

long salvage_hs_lines(const salvage_hs_pattern *pattern, salvage_hs_scratch *scratch, const uint8_t *bytes, size_t count,
                      uint32_t *places, size_t capacity) {
    (void)pattern, (void)scratch, (void)bytes, (void)count, (void)places, (void)capacity;
    return -1;
}
#endif
