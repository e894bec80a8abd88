#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "CLogScan.h"
#include <malloc.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

INLINE size_t count_line_feeds(const uint8_t *bytes, size_t count) {
    size_t total = 0;
    while (count > 0) {
        // Byte sums overflow after 255 rounds; shorter runs let the compiler keep them in byte vectors.
        size_t run = count < 255 * 128 ? count : 255 * 128;
        size_t whole = run / 128;
        uint8_t lanes[128] = {0};
        for (size_t round = 0; round < whole; round++)
            for (size_t lane = 0; lane < 128; lane++) lanes[lane] += bytes[round * 128 + lane] == '\n';
        if (whole > 0)
            for (size_t lane = 0; lane < 128; lane++) total += lanes[lane];
        for (size_t rest = whole * 128; rest < run; rest++) total += bytes[rest] == '\n';
        bytes += run;
        count -= run;
    }
    return total;
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static size_t count_line_feeds_avx2(const uint8_t *bytes, size_t count) {
    return count_line_feeds(bytes, count);
}
#endif

size_t logscan_count_line_feeds(const uint8_t *bytes, size_t count) {
    // Matches are often only a few hundred bytes apart.
    if (count < 128) {
        size_t total = 0;
        for (size_t at = 0; at < count; at++) total += bytes[at] == '\n';
        return total;
    }
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) return count_line_feeds_avx2(bytes, count);
#endif
    return count_line_feeds(bytes, count);
}

size_t logscan_put_line(void *out, const void *name, size_t name_count, uint64_t number, const void *line,
                        size_t line_count) {
    uint8_t *at = out;
    if (name_count > 0) memcpy(at, name, name_count);
    at += name_count;
    if (number > 0) {
        uint8_t digits[20];
        size_t first = sizeof digits;
        for (; number > 0; number /= 10) digits[--first] = (uint8_t)('0' + number % 10);
        memcpy(at, digits + first, sizeof digits - first);
        at += sizeof digits - first;
        *at++ = ':';
    }
    if (line_count > 0) memcpy(at, line, line_count);
    at += line_count;
    *at++ = '\n';
    return (size_t)(at - (uint8_t *)out);
}

int logscan_is_ascii(const uint8_t *bytes, size_t count) {
    size_t index = 0;
    while (count - index >= 4096) {
        uint8_t seen = 0;
        for (size_t lane = 0; lane < 4096; lane++) seen |= bytes[index + lane];
        if (seen & 0x80) return 0;
        index += 4096;
    }
    uint8_t seen = 0;
    for (; index < count; index++) seen |= bytes[index];
    return (seen & 0x80) == 0;
}

size_t logscan_line_start(const uint8_t *bytes, size_t at) {
    const uint8_t *hit = memrchr(bytes, '\n', at);
    return hit == NULL ? 0 : (size_t)(hit - bytes) + 1;
}

void logscan_keep_freed_memory(void) {
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 256 << 20);
}
