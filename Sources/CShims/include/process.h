#pragma once

#include <spawn.h>

/// A descriptor that becomes readable when the process ends (pidfd_open(2)); -1 and errno on failure.
int salvage_pidfd_open(int pid);

/// An anonymous file in memory, closed on exec (memfd_create(2)); -1 and errno on failure.
int salvage_memfd(const char *name);

/// Has the kernel kill this process when its parent ends, so that a killed daemon leaves no child behind.
int salvage_die_with_parent(void);

/// Has a child to be spawned close every descriptor from a number on (posix_spawn_file_actions_addclosefrom_np(3)).
int salvage_spawn_close_from(posix_spawn_file_actions_t *actions, int from);

/// Makes everything written to the file system that holds a folder last (syncfs(2)); -1 and errno on failure.
int salvage_sync_file_system(const char *folder);
