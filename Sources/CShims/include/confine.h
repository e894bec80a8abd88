#pragma once

#include <stddef.h>
#include <stdint.h>

/// Barriers that confine a process that reads hostile bytes.
enum salvage_barrier {
    /// Executing a file can give no privileges (prctl(2), PR_SET_NO_NEW_PRIVS).
    SALVAGE_BARRIER_NO_NEW_PRIVS = 1 << 0,
    /// No file or folder can be opened, and where the kernel knows how, no TCP port and no signal outside (landlock(7)).
    SALVAGE_BARRIER_LANDLOCK = 1 << 1,
    /// System calls other than those for computing and for descriptors already open fail with EPERM (seccomp(2)). No
    /// path can be asked about either: fstat(2) goes on working through a handler of SIGSYS, which the process keeps.
    SALVAGE_BARRIER_SECCOMP = 1 << 2,
    /// Address space is limited (setrlimit(2), RLIMIT_AS).
    SALVAGE_BARRIER_ADDRESS_SPACE = 1 << 3,
    /// Writable private memory is limited (RLIMIT_DATA).
    SALVAGE_BARRIER_DATA = 1 << 4,
    /// CPU time is limited; the kernel kills the process behind it (RLIMIT_CPU).
    SALVAGE_BARRIER_CPU = 1 << 5,
    /// The size of files written is limited (RLIMIT_FSIZE).
    SALVAGE_BARRIER_FILE_SIZE = 1 << 6,
    /// No further descriptors can be opened (RLIMIT_NOFILE).
    SALVAGE_BARRIER_DESCRIPTORS = 1 << 7,
    /// No core dump is written, so that secrets and hostile bytes stay in memory (RLIMIT_CORE, PR_SET_DUMPABLE).
    SALVAGE_BARRIER_NO_CORE = 1 << 8,
};

/// What to confine; a limit of zero leaves that limit as it is.
struct salvage_confinement {
    /// Bytes of address space. Each thread costs its stack and glibc up to 128 MiB of reserved arena.
    uint64_t address_space;
    /// Bytes of writable private memory: closer to what is used than the address space.
    uint64_t data;
    /// Seconds of CPU time over all threads.
    uint64_t cpu_seconds;
    /// Bytes of the largest file that may be written.
    uint64_t file_size;
    /// The lowest descriptor number that cannot be used any more; descriptors already open stay usable.
    uint64_t descriptors;
    /// Non-zero forbids memory that is executable, which code generators such as PCRE2's need.
    int deny_executable_memory;
};

/// Keeps this process out of core dumps and its memory from other processes of the same user (RLIMIT_CORE,
/// PR_SET_DUMPABLE); 0, or an errno. For processes that hold a secret.
int salvage_deny_core(void);

/// Which barriers took effect.
struct salvage_confined {
    /// Bits of ``salvage_barrier`` that took effect.
    uint32_t effective;
    /// Bits that were asked for and failed.
    uint32_t failed;
    /// The errno of the first failure; 0 if there was none.
    int first_error;
    /// The kernel's Landlock version; 0 where it has none.
    int landlock_version;
};

/// Confines the calling process for good: call it before any hostile byte is read, best before threads are started.
///
/// Threads can still be started and memory allocated afterwards. All threads are bound by everything but Landlock and
/// no-new-privileges of threads other than the caller and its descendants.
///
/// - Returns: 0 if all barriers took effect; -1 if one failed, while all others hold. Decide by `confined->effective`.
int salvage_confine(const struct salvage_confinement *wanted, struct salvage_confined *confined);

/// Bits of ``salvage_barrier`` that this machine offers; nothing is confined by asking.
uint32_t salvage_available_barriers(void);

/// A barrier's name in reports, for example `landlock`; NULL for no single known bit.
const char *salvage_barrier_name(uint32_t barrier);

/// Closes every descriptor but those listed (close_range(2), or one by one); the list need not be sorted.
///
/// - Returns: 0; -1 and errno when descriptors could not be closed.
int salvage_close_all_but(const int *kept, size_t count);
