#include "process.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static int close_span(unsigned first, unsigned last) {
    if (first > last) return 0;
#ifdef SYS_close_range
    if (syscall(SYS_close_range, first, last, 0u) == 0) return 0;
    if (errno != ENOSYS && errno != EPERM) return -1;
#endif
    struct rlimit open_files;
    if (getrlimit(RLIMIT_NOFILE, &open_files) != 0) return -1;
    for (unsigned descriptor = first; descriptor <= last && descriptor < open_files.rlim_cur; descriptor++)
        close((int)descriptor);
    return 0;
}

int salvage_close_all_but(const int *kept, size_t count) {
    unsigned from = 0;
    for (;;) {
        // The smallest kept descriptor not yet passed.
        int found = 0;
        unsigned next = 0;
        for (size_t index = 0; index < count; index++) {
            if (kept[index] < 0 || (unsigned)kept[index] < from) continue;
            if (!found || (unsigned)kept[index] < next) next = (unsigned)kept[index];
            found = 1;
        }
        if (!found) return close_span(from, ~0u);
        if (next > from && close_span(from, next - 1) != 0) return -1;
        from = next + 1;
    }
}
