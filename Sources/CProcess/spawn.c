#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void report_and_leave(int report, int error) {
    ssize_t written;
    do {
        written = write(report, &error, sizeof error);
    } while (written < 0 && errno == EINTR);
    _exit(127);
}

// Runs between fork and exec: only async-signal-safe calls.
static void become(const struct salvage_spawn_plan *plan, int report, pid_t parent) {
    if (setpgid(0, 0) != 0) report_and_leave(report, errno);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) report_and_leave(report, errno);
    if (getppid() != parent) _exit(127);

    // NIO ignores SIGPIPE, and an ignored signal stays ignored over exec.
    struct sigaction defaults;
    memset(&defaults, 0, sizeof defaults);
    defaults.sa_handler = SIG_DFL;
    for (int number = 1; number < NSIG; number++) sigaction(number, &defaults, 0);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, 0);

    struct rlimit core;
    if (getrlimit(RLIMIT_CORE, &core) == 0) {
        core.rlim_cur = core.rlim_max;
        setrlimit(RLIMIT_CORE, &core);
    }
    int input = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (input < 0 || dup2(input, 0) < 0) report_and_leave(report, errno);
    if (dup2(plan->output, 1) < 0 || dup2(plan->output, 2) < 0) report_and_leave(report, errno);
    if (chdir(plan->directory) != 0) report_and_leave(report, errno);
    if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) != 0) report_and_leave(report, errno);

    // A sibling forked while the copy of this executable was being written still holds it open for writing for the
    // moment until its own exec: wait that out.
    for (int attempt = 0; attempt < 100; attempt++) {
        execve(plan->executable, plan->arguments, plan->environment);
        if (errno != ETXTBSY) break;
        struct timespec pause = {0, 10 * 1000 * 1000};
        nanosleep(&pause, 0);
    }
    report_and_leave(report, errno);
}

int salvage_spawn(const struct salvage_spawn_plan *plan, pid_t *pid, int *pidfd) {
    int report[2];
    if (pipe2(report, O_CLOEXEC) != 0) return errno;
    pid_t parent = getpid();
    pid_t child = fork();
    if (child < 0) {
        int error = errno;
        close(report[0]);
        close(report[1]);
        return error;
    }
    if (child == 0) become(plan, report[1], parent);

    close(report[1]);
    int error = 0;
    ssize_t got;
    do {
        got = read(report[0], &error, sizeof error);
    } while (got < 0 && errno == EINTR);
    close(report[0]);
    if (got == (ssize_t)sizeof error && error != 0) {
        while (waitpid(child, 0, 0) < 0 && errno == EINTR) {
        }
        return error;
    }
    int descriptor = (int)syscall(SYS_pidfd_open, child, 0);
    if (descriptor < 0) {
        int failure = errno;
        kill(-child, SIGKILL);
        while (waitpid(child, 0, 0) < 0 && errno == EINTR) {
        }
        return failure;
    }
    *pid = child;
    *pidfd = descriptor;
    return 0;
}

int salvage_reap(pid_t pid, int *exit_code, int *signal, int *dumped) {
    int status = 0;
    pid_t got;
    do {
        got = waitpid(pid, &status, WNOHANG);
    } while (got < 0 && errno == EINTR);
    if (got < 0) return errno;
    if (got == 0) return EAGAIN;
    *exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    *signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    *dumped = WIFSIGNALED(status) && WCOREDUMP(status) ? 1 : 0;
    return 0;
}
