#pragma once

#include <spawn.h>

/// Returns a descriptor that becomes readable when the process ends (pidfd_open(2)); -1 and errno on failure.
int salvage_pidfd_open(int pid);

/// Creates an anonymous file in memory, closed on exec (memfd_create(2)); returns its descriptor, or -1 and errno.
int salvage_memfd(const char *name);

/// Seals the length of a ``salvage_memfd`` file for every holder, and unless `writable` its content as well
/// (F_ADD_SEALS); returns 0, or -1 and errno.
int salvage_seal(int memfd, int writable);

/// Opens a pipe, closed on exec, whose reading end (the first) does not block; returns 0, or -1 and errno.
int salvage_drained_pipe(int ends[2]);

/// Makes the kernel kill this process when its parent ends, so that a killed daemon leaves no child behind; returns 0,
/// or -1 and errno.
int salvage_die_with_parent(void);

/// Copies the process (fork(2)), but only when it has a single thread: only then can the copy run any code safely.
///
/// - Returns: what fork returns; -1 and EAGAIN when there are more threads, -1 and errno on another failure.
pid_t salvage_fork_alone(void);

/// Reduces a forked copy to its memory: it dies with `parent`, its environment is overwritten in place, signals are at
/// their defaults, and of the open files only those in `from` remain, under the numbers in `to`. Standard streams that
/// are not among them are /dev/null.
///
/// - Parameter count: the number of files, at most 256.
/// - Returns: 0; -1 and errno on failure, after which the copy must exit.
int salvage_become_reader(pid_t parent, const int *from, const int *to, size_t count);

/// Makes malloc map each allocation of 128 KiB or more on its own, so that freeing it returns it to the kernel at once.
/// Otherwise glibc raises that threshold, and small long-lived allocations keep the memory of large ones in use.
void salvage_return_large_pieces(void);

/// Makes a child to be spawned start with no signal blocked, whatever the calling thread blocks; returns 0, or an
/// errno.
int salvage_spawn_plain_signals(posix_spawnattr_t *attributes);

/// Makes a child to be spawned close every descriptor from `from` on (posix_spawn_file_actions_addclosefrom_np(3));
/// returns 0, or an errno.
int salvage_spawn_close_from(posix_spawn_file_actions_t *actions, int from);

/// Flushes the file system that holds a folder to its disk (syncfs(2)); returns 0, or -1 and errno.
int salvage_sync_file_system(const char *folder);

/// Tests whether `count` threads can run at once, each with its own heap, and `address_space` bytes more can be mapped;
/// releases all of it.
///
/// - Returns: 0, or the errno of what failed.
int salvage_can_start_threads(int count, size_t address_space);

/// Starts a detached thread with a stack of 256 KiB; returns 0, or an errno.
int salvage_start_thread(void (*body)(void));

/// Records SIGTERM and SIGINT for `salvage_await_stop` instead of ending, and blocks them in this thread, in threads it
/// starts, and so in processes that those start, which should finish their work; returns 0, or an errno.
int salvage_hold_stop_signals(void);

/// Waits at most `seconds` for a SIGTERM or SIGINT not yet reported; returns its number, or 0 when none arrived. For
/// one thread only.
int salvage_await_stop(int seconds);
