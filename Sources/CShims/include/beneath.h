#pragma once

#include <stdint.h>

/// Opens a path below a folder (openat2(2)) so that nothing outside it can be reached: no absolute path, no `..` out of
/// it, no symbolic link anywhere, no magic link. The kernel allows `..` inside the folder; callers reject it
/// beforehand.
///
/// - Parameters: the folder's descriptor; the path; flags and mode as of open(2). O_CLOEXEC is added.
/// - Returns: a descriptor; -1 and errno on failure (EXDEV or ELOOP for an attempt to escape, ENOSYS before Linux 5.6).
int salvage_open_beneath(int folder, const char *path, int flags, uint32_t mode);

/// Returns 1 when the kernel has openat2(2), else 0.
int salvage_has_open_beneath(void);

/// Renames without replacing an existing new path (renameat2(2) with RENAME_NOREPLACE).
///
/// - Returns: 0; -1 and errno on failure (EEXIST when the new path exists).
int salvage_rename_new(int old_folder, const char *old_path, int new_folder, const char *new_path);

/// Exchanges two paths atomically (renameat2(2) with RENAME_EXCHANGE); returns 0, or -1 and errno on failure.
int salvage_rename_exchange(int old_folder, const char *old_path, int new_folder, const char *new_path);
