#pragma once

#include <stdint.h>

// Linux flags that Swift's import of <fcntl.h> lacks; files.c checks the values.
#define SALVAGE_O_PATH 010000000
#define SALVAGE_O_TMPFILE 020200000
#define SALVAGE_SEEK_DATA 3
#define SALVAGE_SEEK_HOLE 4

/// Opens a path below a folder (openat2(2)) so that nothing outside it can be reached: no absolute path, no `..` out of
/// it, no symbolic link anywhere, no magic link. The kernel allows `..` inside the folder; callers reject it
/// beforehand.
///
/// - Parameters: the folder's descriptor; the path; flags and mode as of open(2). O_CLOEXEC is added.
/// - Returns: a descriptor; -1 and errno on failure (EXDEV or ELOOP for an attempt to escape, ENOSYS before Linux 5.6).
int salvage_open_beneath(int folder, const char *path, int flags, uint32_t mode);

/// Returns 1 when the kernel has openat2(2), else 0.
int salvage_has_open_beneath(void);

/// Opens a path by openat2(2) so that it and every symbolic link on it resolve as if `root` were "/"; magic links are
/// refused. O_CLOEXEC is added.
///
/// - Returns: a descriptor; -1 and errno on failure.
int salvage_open_in_root(int root, const char *path, int flags);

/// Renames without replacing an existing new path (renameat2(2) with RENAME_NOREPLACE).
///
/// - Returns: 0; -1 and errno on failure (EEXIST when the new path exists).
int salvage_rename_new(int old_folder, const char *old_path, int new_folder, const char *new_path);

/// Exchanges two paths atomically (renameat2(2) with RENAME_EXCHANGE); returns 0, or -1 and errno on failure.
int salvage_rename_exchange(int old_folder, const char *old_path, int new_folder, const char *new_path);

/// Flushes the file system that holds an open file or folder to its disk (syncfs(2)).
///
/// - Returns: 0; -1 and errno on failure.
int salvage_sync_filesystem(int descriptor);

/// Creates an anonymous file in memory, closed on exec (memfd_create(2)); returns its descriptor, or -1 and errno.
int salvage_memfd(const char *name);

/// Seals the length of a ``salvage_memfd`` file for every holder, and unless `writable` its content as well
/// (F_ADD_SEALS); returns 0, or -1 and errno.
int salvage_seal(int memfd, int writable);
