#pragma once

/// Flushes the file system that holds an open file or folder to its disk (syncfs(2)).
///
/// - Returns: 0; -1 and errno on failure.
int salvage_sync_filesystem(int descriptor);
