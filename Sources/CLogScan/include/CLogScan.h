#pragma once
#include <stddef.h>
#include <stdint.h>

/// Number of line feeds in `count` bytes.
size_t logscan_count_line_feeds(const uint8_t *bytes, size_t count);

/// 1 when no byte has its top bit set, else 0.
int logscan_is_ascii(const uint8_t *bytes, size_t count);

/// Offset of the first byte of the line that holds `at`: one past the last line feed before it, or 0.
size_t logscan_line_start(const uint8_t *bytes, size_t at);
