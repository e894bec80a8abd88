#include "CFiles.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_openat2
#define SYS_openat2 437
#endif

// From <linux/openat2.h>, which older systems lack.
struct open_request {
    uint64_t flags;
    uint64_t mode;
    uint64_t resolve;
};

enum {
    RESOLVE_NO_MAGIC_LINKS = 0x02,
    RESOLVE_NO_SYMBOLIC_LINKS = 0x04,
    RESOLVE_BENEATH_FOLDER = 0x08,
    RESOLVE_ROOT_AT_FOLDER = 0x10,
};

static int open_resolving(int folder, const char *path, int flags, uint32_t mode, uint64_t resolve) {
    struct open_request request;
    memset(&request, 0, sizeof request);
    request.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC);
    // The kernel rejects a mode when no file can be created.
    request.mode = flags & (O_CREAT | __O_TMPFILE) ? mode : 0;
    request.resolve = resolve;
    int result;
    // EAGAIN means that a rename raced with the path walk, so the kernel could not prove that it stayed inside.
    int tries = 0;
    do {
        result = (int)syscall(SYS_openat2, folder, path, &request, sizeof request);
    } while (result < 0 && (errno == EINTR || (errno == EAGAIN && ++tries < 128)));
    return result;
}

int salvage_open_beneath(int folder, const char *path, int flags, uint32_t mode) {
    return open_resolving(
        folder, path, flags, mode, RESOLVE_NO_MAGIC_LINKS | RESOLVE_NO_SYMBOLIC_LINKS | RESOLVE_BENEATH_FOLDER);
}

int salvage_has_open_beneath(void) {
    int descriptor = salvage_open_beneath(AT_FDCWD, ".", O_PATH | O_DIRECTORY, 0);
    if (descriptor >= 0) {
        close(descriptor);
        return 1;
    }
    return errno != ENOSYS && errno != EPERM;
}

int salvage_open_in_root(int root, const char *path, int flags) {
    return open_resolving(root, path, flags, 0, RESOLVE_NO_MAGIC_LINKS | RESOLVE_ROOT_AT_FOLDER);
}
