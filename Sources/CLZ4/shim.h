#pragma once
// For LZ4F_getErrorCode: liblz4 is linked statically.
#define LZ4F_STATIC_LINKING_ONLY
#include <lz4frame.h>
