#pragma once
#include <stddef.h>
#include <stdint.h>

/// One embedded file.
typedef struct {
    /// Its name, such as `style.css`, ended by a NUL.
    const char *name;
    /// Its bytes. They are valid for the life of the process.
    const uint8_t *bytes;
    /// The number of its bytes.
    size_t count;
} salvage_asset;

/// Returns the embedded files.
const salvage_asset *salvage_assets(void);

/// Returns their number.
size_t salvage_assets_count(void);
