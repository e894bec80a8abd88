#pragma once
#include <stddef.h>
#include <stdint.h>

/// Number of line feeds in `count` bytes.
size_t logscan_count_line_feeds(const uint8_t *bytes, size_t count);

/// 1 when no byte has its top bit set, else 0.
int logscan_is_ascii(const uint8_t *bytes, size_t count);

/// Offset of the first byte of the line that contains `at`: one past the last line feed before it, or 0.
size_t logscan_line_start(const uint8_t *bytes, size_t at);

/// Writes `name`, the decimal `number` and a colon unless it is 0, `line` and a line feed to `out`, which has room for
/// them (22 bytes more than name and line). Returns the number of bytes written.
size_t logscan_put_line(void *out, const void *name, size_t name_count, uint64_t number, const void *line,
                        size_t line_count);

/// Makes the C library keep freed memory, for programs that allocate and free it per block.
void logscan_keep_freed_memory(void);
