#pragma once

/// Writes all that was changed in the file system of an open file or folder to its disk (syncfs(2)).
///
/// - Returns: 0; -1 and errno on failure.
int salvage_sync_filesystem(int descriptor);
