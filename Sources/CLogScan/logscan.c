#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "CLogScan.h"
#include <string.h>

size_t logscan_count_line_feeds(const uint8_t *bytes, size_t count) {
    size_t total = 0;
    while (count > 0) {
        // Byte lanes overflow after 255 rounds; short runs let the compiler keep the sum in a vector of bytes.
        size_t run = count < 255 * 32 ? count : 255 * 32;
        size_t whole = run / 32;
        uint8_t lanes[32] = {0};
        for (size_t round = 0; round < whole; round++)
            for (size_t lane = 0; lane < 32; lane++) lanes[lane] += bytes[round * 32 + lane] == '\n';
        for (size_t lane = 0; lane < 32; lane++) total += lanes[lane];
        for (size_t rest = whole * 32; rest < run; rest++) total += bytes[rest] == '\n';
        bytes += run;
        count -= run;
    }
    return total;
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
