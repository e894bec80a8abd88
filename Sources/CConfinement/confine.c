#include "confine.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

// MARK: seccomp

#if defined(__x86_64__)
#define NATIVE_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
// The low half of an argument; both architectures are little-endian.
#define LOAD_ARGUMENT(index) \
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) + 8 * (index))
#define LOAD_ARGUMENT_HIGH(index) \
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) + 8 * (index) + 4)
#define ANSWER(value) BPF_STMT(BPF_RET | BPF_K, (value))
#define REFUSED (SECCOMP_RET_ERRNO | EPERM)
#define UNKNOWN (SECCOMP_RET_ERRNO | ENOSYS)

// Matches a call by its number, which must be in the accumulator.
#define ALLOW(number) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (number), 0, 1), ANSWER(SECCOMP_RET_ALLOW)
#define ANSWER_CALL(number, value) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (number), 0, 1), ANSWER(value)

// Calls on open descriptors, memory, time, threads and exit: all that unpacking and analysis need.
static const struct sock_filter allowed_calls[] = {
    ALLOW(SYS_read), ALLOW(SYS_write), ALLOW(SYS_pread64), ALLOW(SYS_pwrite64),
    ALLOW(SYS_readv), ALLOW(SYS_writev), ALLOW(SYS_preadv), ALLOW(SYS_pwritev),
    ALLOW(SYS_lseek), ALLOW(SYS_fstat), ALLOW(SYS_close), ALLOW(SYS_fsync), ALLOW(SYS_fdatasync),
    ALLOW(SYS_ftruncate), ALLOW(SYS_fallocate), ALLOW(SYS_fadvise64), ALLOW(SYS_copy_file_range),
    ALLOW(SYS_sync_file_range), ALLOW(SYS_ppoll),
    ALLOW(SYS_munmap), ALLOW(SYS_mremap), ALLOW(SYS_madvise), ALLOW(SYS_brk), ALLOW(SYS_msync), ALLOW(SYS_mincore),
    ALLOW(SYS_futex), ALLOW(SYS_set_robust_list), ALLOW(SYS_get_robust_list), ALLOW(SYS_set_tid_address),
    ALLOW(SYS_sched_yield), ALLOW(SYS_sched_getaffinity), ALLOW(SYS_membarrier),
    ALLOW(SYS_rt_sigaction), ALLOW(SYS_rt_sigprocmask), ALLOW(SYS_rt_sigreturn), ALLOW(SYS_sigaltstack),
    ALLOW(SYS_restart_syscall), ALLOW(SYS_exit), ALLOW(SYS_exit_group),
    ALLOW(SYS_clock_gettime), ALLOW(SYS_clock_getres), ALLOW(SYS_clock_nanosleep), ALLOW(SYS_nanosleep),
    ALLOW(SYS_gettimeofday), ALLOW(SYS_getrandom), ALLOW(SYS_getpid), ALLOW(SYS_gettid), ALLOW(SYS_getuid),
    ALLOW(SYS_geteuid), ALLOW(SYS_getgid), ALLOW(SYS_getegid), ALLOW(SYS_getrusage), ALLOW(SYS_sysinfo),
    ALLOW(SYS_uname), ALLOW(SYS_times), ALLOW(SYS_eventfd2),
#ifdef SYS_rseq
    ALLOW(SYS_rseq),
#endif
#ifdef SYS_futex_waitv
    ALLOW(SYS_futex_waitv),
#endif
#ifdef SYS_time
    ALLOW(SYS_time),
#endif
#ifdef SYS_poll
    ALLOW(SYS_poll),
#endif
    // Its flags are behind a pointer, which a filter cannot follow; on ENOSYS glibc uses clone.
    ANSWER_CALL(SYS_clone3, UNKNOWN),
};

// Allows a thread of this process, not a new process.
static const struct sock_filter clone_rule[] = {
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 4),
    LOAD_ARGUMENT(0),
    BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 0, 1),
    ANSWER(SECCOMP_RET_ALLOW),
    ANSWER(REFUSED),
};

// glibc's fstat is newfstatat with an empty path. A filter cannot read the path behind its pointer, and AT_EMPTY_PATH
// does not stop the kernel from using a path that is not empty, so newfstatat is never carried out. It traps, and
// answer_stat() below calls fstat instead, which takes a descriptor and no path.
static const struct sock_filter stat_rule[] = {
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_newfstatat, 0, 1),
    ANSWER(SECCOMP_RET_TRAP),
};

// Reading limits is harmless; setting them could raise ours in a privileged process.
static const struct sock_filter limit_rule[] = {
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_prlimit64, 0, 6),
    LOAD_ARGUMENT(2),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 3),
    LOAD_ARGUMENT_HIGH(2),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),
    ANSWER(SECCOMP_RET_ALLOW),
    ANSWER(REFUSED),
};

// Allows naming a thread or, as newer glibc does, a mapping.
static const struct sock_filter prctl_rule[] = {
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_prctl, 0, 6),
    LOAD_ARGUMENT(0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PR_SET_NAME, 2, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PR_GET_NAME, 1, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x53564d41, 0, 1),
    ANSWER(SECCOMP_RET_ALLOW),
    ANSWER(REFUSED),
};

// Allows duplicating descriptors and their flags; the child needs neither signal owners nor locks.
#define FCNTL_OPERATIONS 5
static const struct sock_filter fcntl_rule[] = {
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fcntl, 0, 3 + FCNTL_OPERATIONS),
    LOAD_ARGUMENT(1),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0 /* F_DUPFD */, 4, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1 /* F_GETFD */, 3, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 2 /* F_SETFD */, 2, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 3 /* F_GETFL */, 1, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1030 /* F_DUPFD_CLOEXEC */, 0, 1),
    ANSWER(SECCOMP_RET_ALLOW),
    ANSWER(REFUSED),
};

static const struct sock_filter memory_allowed[] = { ALLOW(SYS_mmap), ALLOW(SYS_mprotect) };

// The protection is the third argument of both.
static const struct sock_filter memory_rule[] = {
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 1, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mprotect, 0, 4),
    LOAD_ARGUMENT(2),
    BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 1, 0),
    ANSWER(SECCOMP_RET_ALLOW),
    ANSWER(REFUSED),
};

struct program {
    struct sock_filter code[320];
    unsigned short length;
    int overflow;
};

static void append(struct program *program, const struct sock_filter *code, size_t count) {
    if (program->length + count > sizeof program->code / sizeof program->code[0]) {
        program->overflow = 1;
        return;
    }
    memcpy(program->code + program->length, code, count * sizeof *code);
    program->length += (unsigned short)count;
}
#define APPEND(program, code) append((program), (code), sizeof(code) / sizeof((code)[0]))

#ifdef NATIVE_ARCHITECTURE
static void build(struct program *program, int deny_executable_memory) {
    const struct sock_filter start[] = {
        LOAD(arch),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCHITECTURE, 1, 0),
        ANSWER(SECCOMP_RET_KILL_PROCESS),
        LOAD(nr),
#ifdef __x86_64__
        // The x32 variant of each call has the same architecture but another number.
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1),
        ANSWER(SECCOMP_RET_KILL_PROCESS),
#endif
    };
    // Allows a signal to one of our own threads, as abort sends it.
    const struct sock_filter signal_rule[] = {
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_tgkill, 0, 4),
        LOAD_ARGUMENT(0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)getpid(), 0, 1),
        ANSWER(SECCOMP_RET_ALLOW),
        ANSWER(REFUSED),
    };
    const struct sock_filter end[] = { ANSWER(REFUSED) };
    program->length = 0;
    program->overflow = 0;
    APPEND(program, start);
    APPEND(program, allowed_calls);
    if (deny_executable_memory) {
        APPEND(program, memory_rule);
    } else {
        APPEND(program, memory_allowed);
    }
    APPEND(program, clone_rule);
    APPEND(program, stat_rule);
    APPEND(program, limit_rule);
    APPEND(program, prctl_rule);
    APPEND(program, fcntl_rule);
    APPEND(program, signal_rule);
    APPEND(program, end);
}
#endif

#ifdef NATIVE_ARCHITECTURE
#ifndef AT_EMPTY_PATH
#define AT_EMPTY_PATH 0x1000
#endif
#ifndef SYS_SECCOMP
#define SYS_SECCOMP 1
#endif

// Handles a newfstatat that the filter trapped: like fstat for an open file, EPERM for a path.
static void answer_stat(int number, siginfo_t *info, void *opaque) {
    (void)number;
    if (info->si_code != SYS_SECCOMP) return;
    ucontext_t *interrupted = opaque;
#if defined(__x86_64__)
    greg_t *registers = interrupted->uc_mcontext.gregs;
    int descriptor = (int)registers[REG_RDI];
    const char *path = (const char *)registers[REG_RSI];
    struct stat *facts = (struct stat *)registers[REG_RDX];
    int flags = (int)registers[REG_R10];
#else
    unsigned long long *registers = interrupted->uc_mcontext.regs;
    int descriptor = (int)registers[0];
    const char *path = (const char *)registers[1];
    struct stat *facts = (struct stat *)registers[2];
    int flags = (int)registers[3];
#endif
    long result = -EPERM;
    if (info->si_syscall == SYS_newfstatat && (flags & AT_EMPTY_PATH) && path && *path == 0) {
        int saved = errno;
        result = syscall(SYS_fstat, descriptor, facts) == 0 ? 0 : -errno;
        errno = saved;
    }
#if defined(__x86_64__)
    registers[REG_RAX] = result;
#else
    registers[0] = (unsigned long long)result;
#endif
}

static int catch_stat(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = answer_stat;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGSYS, &action, NULL) != 0) return errno;
    // A trap whose signal is blocked kills the process.
    sigset_t trap;
    sigemptyset(&trap);
    sigaddset(&trap, SIGSYS);
    return sigprocmask(SIG_UNBLOCK, &trap, NULL) == 0 ? 0 : errno;
}
#endif

static int filter_calls(int deny_executable_memory) {
#ifdef NATIVE_ARCHITECTURE
    int trapped = catch_stat();
    if (trapped) return trapped;
    struct program program;
    build(&program, deny_executable_memory);
    if (program.overflow) return E2BIG;
    struct sock_fprog filter = { .len = program.length, .filter = program.code };
    // Applies to all threads at once; a positive result is the id of a thread that could not be confined.
    long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter);
    if (result == 0) return 0;
    return result < 0 ? errno : ESRCH;
#else
    (void)deny_executable_memory;
    return ENOSYS;
#endif
}

// MARK: Landlock

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_restrict_self 446
#endif

// From <linux/landlock.h>, whose older versions lack the later fields; the kernel accepts a structure shorter than its
// own.
struct ruleset {
    uint64_t file_system;
    uint64_t network;
    uint64_t scope;
};

static int landlock_version(void) {
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, 1u /* LANDLOCK_CREATE_RULESET_VERSION */);
    return version < 0 ? 0 : (int)version;
}

// Handles every right the kernel knows and grants none.
static int deny_files(int version) {
    if (version < 1) return EOPNOTSUPP;
    struct ruleset rules;
    memset(&rules, 0, sizeof rules);
    rules.file_system = (1u << 13) - 1;
    if (version >= 2) rules.file_system |= 1u << 13;
    if (version >= 3) rules.file_system |= 1u << 14;
    if (version >= 5) rules.file_system |= 1u << 15;
    if (version >= 4) rules.network = 3;
    if (version >= 6) rules.scope = 3;
    size_t size = version >= 6 ? 24 : version >= 4 ? 16 : 8;
    int descriptor = (int)syscall(SYS_landlock_create_ruleset, &rules, size, 0u);
    if (descriptor < 0) return errno;
    int result = syscall(SYS_landlock_restrict_self, descriptor, 0u) == 0 ? 0 : errno;
    close(descriptor);
    return result;
}

// MARK: Limits

static int limit(int which, uint64_t value) {
    struct rlimit now;
    if (getrlimit(which, &now) != 0) return errno;
    // A limit that is already tighter stays.
    rlim_t wanted = (rlim_t)value < now.rlim_max ? (rlim_t)value : now.rlim_max;
    struct rlimit next = { .rlim_cur = wanted, .rlim_max = wanted };
    return setrlimit(which, &next) == 0 ? 0 : errno;
}

int salvage_deny_core(void) {
    int result = limit(RLIMIT_CORE, 0);
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 && result == 0) result = errno;
    return result;
}

// MARK: Confinement

static void record(struct salvage_confined *confined, uint32_t barrier, int error) {
    if (error == 0) {
        confined->effective |= barrier;
    } else {
        confined->failed |= barrier;
        if (confined->first_error == 0) confined->first_error = error;
    }
}

int salvage_confine(const struct salvage_confinement *wanted, struct salvage_confined *confined) {
    memset(confined, 0, sizeof *confined);
    confined->landlock_version = landlock_version();
    record(confined, SALVAGE_BARRIER_NO_CORE, salvage_deny_core());
    if (wanted->address_space)
        record(confined, SALVAGE_BARRIER_ADDRESS_SPACE, limit(RLIMIT_AS, wanted->address_space));
    if (wanted->data) record(confined, SALVAGE_BARRIER_DATA, limit(RLIMIT_DATA, wanted->data));
    if (wanted->cpu_seconds) record(confined, SALVAGE_BARRIER_CPU, limit(RLIMIT_CPU, wanted->cpu_seconds));
    if (wanted->file_size) record(confined, SALVAGE_BARRIER_FILE_SIZE, limit(RLIMIT_FSIZE, wanted->file_size));
    record(confined, SALVAGE_BARRIER_NO_NEW_PRIVS, prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? 0 : errno);
    record(confined, SALVAGE_BARRIER_LANDLOCK, deny_files(confined->landlock_version));
    // After Landlock, which needs a descriptor, and before seccomp, which forbids setting limits.
    if (wanted->descriptors)
        record(confined, SALVAGE_BARRIER_DESCRIPTORS, limit(RLIMIT_NOFILE, wanted->descriptors));
    record(confined, SALVAGE_BARRIER_SECCOMP, filter_calls(wanted->deny_executable_memory));
    return confined->failed == 0 ? 0 : -1;
}

uint32_t salvage_available_barriers(void) {
    uint32_t available = SALVAGE_BARRIER_NO_NEW_PRIVS | SALVAGE_BARRIER_ADDRESS_SPACE | SALVAGE_BARRIER_DATA
        | SALVAGE_BARRIER_CPU | SALVAGE_BARRIER_FILE_SIZE | SALVAGE_BARRIER_DESCRIPTORS | SALVAGE_BARRIER_NO_CORE;
    if (landlock_version() > 0) available |= SALVAGE_BARRIER_LANDLOCK;
#ifdef NATIVE_ARCHITECTURE
    uint32_t action = SECCOMP_RET_KILL_PROCESS;
    if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0) available |= SALVAGE_BARRIER_SECCOMP;
#endif
    return available;
}

const char *salvage_barrier_name(uint32_t barrier) {
    switch (barrier) {
    case SALVAGE_BARRIER_NO_NEW_PRIVS: return "no_new_privs";
    case SALVAGE_BARRIER_LANDLOCK: return "landlock";
    case SALVAGE_BARRIER_SECCOMP: return "seccomp";
    case SALVAGE_BARRIER_ADDRESS_SPACE: return "address_space";
    case SALVAGE_BARRIER_DATA: return "data";
    case SALVAGE_BARRIER_CPU: return "cpu";
    case SALVAGE_BARRIER_FILE_SIZE: return "file_size";
    case SALVAGE_BARRIER_DESCRIPTORS: return "descriptors";
    case SALVAGE_BARRIER_NO_CORE: return "no_core";
    default: return NULL;
    }
}
