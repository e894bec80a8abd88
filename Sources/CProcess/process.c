#include <fcntl.h>
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int salvage_pidfd_open(int pid) {
#ifdef SYS_pidfd_open
    return (int)syscall(SYS_pidfd_open, pid, 0);
#else
    errno = ENOSYS;
    return -1;
#endif
}

int salvage_drained_pipe(int ends[2]) {
    if (pipe2(ends, O_CLOEXEC) != 0) return -1;
    if (fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0) return 0;
    int error = errno;
    close(ends[0]);
    close(ends[1]);
    errno = error;
    return -1;
}

int salvage_die_with_parent(void) { return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); }

pid_t salvage_fork_alone(void) {
    struct stat threads;
    // One link per thread besides the folder's own two.
    if (stat("/proc/self/task", &threads) != 0) return -1;
    if (threads.st_nlink != 3) {
        errno = EAGAIN;
        return -1;
    }
    return fork();
}

static void forget_environment(void) {
    static char *nothing[] = { NULL };
    for (char **entry = environ; entry && *entry; entry++) explicit_bzero(*entry, strlen(*entry));
    environ = nothing;
}

#define MOST_FILES 256

int salvage_become_reader(pid_t parent, const int *from, const int *to, size_t count) {
    int kept[MOST_FILES + 3];
    if (count > MOST_FILES) {
        errno = EINVAL;
        return -1;
    }
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) return -1;
    if (getppid() != parent) _exit(2);
    forget_environment();
    struct sigaction defaults;
    memset(&defaults, 0, sizeof defaults);
    defaults.sa_handler = SIG_DFL;
    for (int number = 1; number < NSIG; number++) sigaction(number, &defaults, NULL);
    sigset_t none;
    sigemptyset(&none);
    if (sigprocmask(SIG_SETMASK, &none, NULL) != 0) return -1;
    // The caller's standard streams may be a terminal, which can be read and written however it was opened.
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nothing < 0) return -1;
    int highest = STDERR_FILENO;
    for (size_t index = 0; index < count; index++) {
        if (to[index] > highest) highest = to[index];
    }
    // First move the files out of the way: a target may be the number of another source.
    for (size_t index = 0; index < count; index++) {
        kept[index] = fcntl(from[index], F_DUPFD_CLOEXEC, highest + 1);
        if (kept[index] < 0) return -1;
    }
    for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; stream++) {
        if (nothing != stream && dup2(nothing, stream) < 0) return -1;
        kept[count + (size_t)stream] = stream;
    }
    for (size_t index = 0; index < count; index++) {
        if (dup2(kept[index], to[index]) < 0) return -1;
        kept[index] = to[index];
    }
    return salvage_close_all_but(kept, count + 3);
}

void salvage_return_large_pieces(void) { mallopt(M_MMAP_THRESHOLD, 128 << 10); }

int salvage_spawn_plain_signals(posix_spawnattr_t *attributes) {
    sigset_t none;
    sigemptyset(&none);
    int error = posix_spawnattr_setsigmask(attributes, &none);
    return error ? error : posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK);
}

int salvage_spawn_close_from(posix_spawn_file_actions_t *actions, int from) {
    return posix_spawn_file_actions_addclosefrom_np(actions, from);
}
