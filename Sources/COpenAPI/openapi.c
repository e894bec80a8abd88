#include "COpenAPI.h"

// Embeds the description in the program. A Swift array of this size takes ten seconds to compile.
#pragma clang diagnostic ignored "-Wc23-extensions"
static const uint8_t bytes[] = {
#embed "../Sandbox/openapi.json"
};

const uint8_t *openapi_bytes(void) { return bytes; }

size_t openapi_count(void) { return sizeof bytes; }
