#pragma once
#include <stddef.h>
#include <stdint.h>

/// Returns the bytes of the sandbox's OpenAPI description, openapi.json. They are valid for the life of the process.
const uint8_t *openapi_bytes(void);

/// Returns the number of these bytes.
size_t openapi_count(void);
