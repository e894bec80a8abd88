#pragma once

#include <stddef.h>
#include <stdint.h>

/// Barriers that confine a process that reads hostile bytes.
enum salvage_barrier {
    /// Executing a file can give no privileges (prctl(2), PR_SET_NO_NEW_PRIVS).
    SALVAGE_BARRIER_NO_NEW_PRIVS = 1 << 0,
    /// No file or folder can be opened; on newer kernels no TCP port can be used and no signal sent outside
    /// (landlock(7)).
    SALVAGE_BARRIER_LANDLOCK = 1 << 1,
    /// System calls other than those for computing and for descriptors already open fail with EPERM (seccomp(2)). Paths
    /// cannot be examined either; fstat(2) still works, through a SIGSYS handler that the process must keep.
    SALVAGE_BARRIER_SECCOMP = 1 << 2,
    /// Address space is limited (setrlimit(2), RLIMIT_AS).
    SALVAGE_BARRIER_ADDRESS_SPACE = 1 << 3,
    /// Writable private memory is limited (RLIMIT_DATA).
    SALVAGE_BARRIER_DATA = 1 << 4,
    /// CPU time is limited; beyond it the kernel kills the process (RLIMIT_CPU).
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
    /// Bytes of writable private memory: closer to actual use than the address space.
    uint64_t data;
    /// Seconds of CPU time over all threads.
    uint64_t cpu_seconds;
    /// Bytes of the largest file that may be written.
    uint64_t file_size;
    /// The lowest descriptor number that can no longer be opened; descriptors already open stay usable.
    uint64_t descriptors;
    /// Non-zero forbids executable memory, which code generators such as PCRE2's need.
    int deny_executable_memory;
};

/// Prevents core dumps of this process and hides its memory from other processes of the same user (RLIMIT_CORE,
/// PR_SET_DUMPABLE); returns 0, or an errno. For processes that hold a secret.
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

/// Confines the calling process permanently: call it before any hostile byte is read, best before threads start.
///
/// Threads can still be started and memory allocated afterwards. Every barrier applies to all threads, except that
/// Landlock and no-new-privileges may bind only the caller and the threads it starts later.
///
/// - Returns: 0 if all barriers took effect; -1 if one failed, while all others hold. Decide by `confined->effective`.
int salvage_confine(const struct salvage_confinement *wanted, struct salvage_confined *confined);

/// Returns the bits of ``salvage_barrier`` that this machine supports; confines nothing.
uint32_t salvage_available_barriers(void);

/// Returns a barrier's name in reports, for example `landlock`; NULL unless `barrier` is one known bit.
const char *salvage_barrier_name(uint32_t barrier);
