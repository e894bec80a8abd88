#pragma once

#include <spawn.h>
#include <stddef.h>
#include <sys/types.h>

/// Returns a descriptor that becomes readable when the process ends (pidfd_open(2)); -1 and errno on failure.
int salvage_pidfd_open(int pid);

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

/// Closes every descriptor but those listed (close_range(2), or one by one); the list need not be sorted.
///
/// - Returns: 0; -1 and errno when descriptors could not be closed.
int salvage_close_all_but(const int *kept, size_t count);

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
