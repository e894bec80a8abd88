#pragma once
#include <sys/types.h>

/// How to start a child process. Pointers are borrowed for the duration of the call.
struct salvage_spawn_plan {
    const char *executable;
    char *const *arguments;
    char *const *environment;
    const char *directory;
    /// Becomes standard output and standard error.
    int output;
};

/// Starts a child in its own process group, with core dumps up to the hard limit, default signal dispositions, an empty
/// signal mask and none of our descriptors. It is killed when the calling thread ends. Returns 0, or the errno of the
/// step that failed, up to and including the execve in the child.
int salvage_spawn(const struct salvage_spawn_plan *plan, pid_t *pid, int *pidfd);

/// Reaps a child that `salvage_spawn` started. Returns 0, EAGAIN while it still runs, or an errno. `signal` is 0 when
/// the child exited by itself; `dumped` is 1 when it left a core.
int salvage_reap(pid_t pid, int *exit_code, int *signal, int *dumped);
