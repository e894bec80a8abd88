#pragma once
#include <sys/types.h>

// Linux's own flags, which Swift's view of <fcntl.h> leaves out; spawn.c checks the values.
#define SALVAGE_O_PATH 010000000
#define SALVAGE_O_TMPFILE 020200000
#define SALVAGE_SEEK_DATA 3
#define SALVAGE_SEEK_HOLE 4

/// What a child process was told to be. Pointers are borrowed for the length of the call.
struct salvage_spawn_plan {
    const char *executable;
    char *const *arguments;
    char *const *environment;
    const char *directory;
    /// Becomes standard output and standard error.
    int output;
};

/// Starts a child in a process group of its own, with core dumps unlimited as far as the hard limit allows, default
/// signal dispositions, an empty signal mask and no descriptor of ours. It dies with the calling thread.
/// Returns 0, or the errno of whatever failed, up to and including the execve in the child.
int salvage_spawn(const struct salvage_spawn_plan *plan, pid_t *pid, int *pidfd);

/// Takes the end of a child that `salvage_spawn` started. Returns 0, EAGAIN while it still runs, or an errno.
/// `signal` is 0 when the child exited by itself.
int salvage_reap(pid_t pid, int *exit_code, int *signal, int *dumped);

/// openat2 with RESOLVE_IN_ROOT and RESOLVE_NO_MAGICLINKS: `path`, and every symbolic link met on its way, is taken
/// as if `root` were "/". Returns a descriptor, or minus an errno.
int salvage_open_in_root(int root, const char *path, int flags);
