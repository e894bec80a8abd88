#pragma once
#include <stddef.h>
#include <stdint.h>

/// The bytes of the sandbox's OpenAPI description, as its file has them. They stay for as long as the program runs.
const uint8_t *openapi_bytes(void);

/// How many they are.
size_t openapi_count(void);
