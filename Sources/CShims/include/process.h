#pragma once

#include <spawn.h>

/// A descriptor that becomes readable when the process ends (pidfd_open(2)); -1 and errno on failure.
int salvage_pidfd_open(int pid);

/// An anonymous file in memory, closed on exec (memfd_create(2)); -1 and errno on failure.
int salvage_memfd(const char *name);

/// Fixes the length of a file of ``salvage_memfd`` for whoever holds it, and unless `writable` its content as well
/// (F_ADD_SEALS); 0, or -1 and errno.
int salvage_seal(int memfd, int writable);

/// A pipe, closed on exec, whose reading end, the first, does not wait; 0, or -1 and errno.
int salvage_drained_pipe(int ends[2]);

/// Has the kernel kill this process when its parent ends, so that a killed daemon leaves no child behind.
int salvage_die_with_parent(void);

/// Copies the process (fork(2)), which only one that has a single thread may do and go on as it was.
///
/// - Returns: what fork returns; -1 and EAGAIN where there are more threads, -1 and errno on another failure.
pid_t salvage_fork_alone(void);

/// Makes a copy of a process one that holds nothing of its original but memory: it dies with `parent`, its environment
/// is overwritten where it lies, signals are at their defaults, and of the open files only those in `from` are left,
/// under the numbers in `to`. Standard streams that are not among them are /dev/null.
///
/// - Parameter count: of files, at most 256.
/// - Returns: 0; -1 and errno on failure, after which the copy must end.
int salvage_become_reader(pid_t parent, const int *from, const int *to, size_t count);

/// Has the allocator take pieces of 128 KiB and more from the kernel each by itself, and return them at once, whatever
/// was freed before: glibc otherwise moves that limit up, and small pieces that live longer hold the large ones' places.
void salvage_return_large_pieces(void);

/// Has a child to be spawned block no signal, whatever the calling thread blocks; 0, or an errno.
int salvage_spawn_plain_signals(posix_spawnattr_t *attributes);

/// Has a child to be spawned close every descriptor from a number on (posix_spawn_file_actions_addclosefrom_np(3)).
int salvage_spawn_close_from(posix_spawn_file_actions_t *actions, int from);

/// Makes everything written to the file system that holds a folder last (syncfs(2)); -1 and errno on failure.
int salvage_sync_file_system(const char *folder);

/// Tries whether this many threads can run at once, each with a heap of its own, and this much address space can be had
/// besides; all of it is given back.
///
/// - Returns: 0, or the errno of what could not be had.
int salvage_can_start_threads(int count, size_t address_space);

/// Starts a thread with a small stack that lives as long as the process; 0, or an errno.
int salvage_start_thread(void (*body)(void));

/// Has SIGTERM and SIGINT only noted, for `salvage_await_stop` to tell, and blocks them in this thread, in those that it
/// starts, and so in the processes that these start, which are to end what they are at; 0, or an errno.
int salvage_hold_stop_signals(void);

/// Waits for a SIGTERM or SIGINT that was not told yet, at most this many seconds; 0 when none came. For one thread.
int salvage_await_stop(int seconds);
