#include "CDemangle.h"

#include <libiberty/demangle.h>
#include <setjmp.h>
#include <string.h>

struct output {
    char *text;
    size_t length;
    size_t room;
    jmp_buf full;
};

// Receives the output piece by piece. The demanglers have no way to stop, and a crafted name makes them print without
// end, so longjmp abandons their stack. At most a few kilobytes of a Rust identifier leak.
static void append(const char *piece, size_t count, void *opaque) {
    struct output *output = opaque;
    if (count > output->room - output->length) longjmp(output->full, 1);
    memcpy(output->text + output->length, piece, count);
    output->length += count;
}

long salvage_demangle_cxx(const char *name, char *out, size_t room) {
    struct output output = {.text = out, .room = room};
    if (setjmp(output.full) != 0) return -1;
    // libiberty's own limit refuses every name above 1,024 bytes, and Unreal's templates are longer.
    if (!cplus_demangle_v3_callback(name, DMGL_PARAMS | DMGL_ANSI | DMGL_NO_RECURSE_LIMIT, append, &output)) return -1;
    return (long)output.length;
}

long salvage_demangle_rust(const char *name, char *out, size_t room) {
    struct output output = {.text = out, .room = room};
    if (setjmp(output.full) != 0) return -1;
    if (!rust_demangle_callback(name, DMGL_PARAMS | DMGL_ANSI, append, &output)) return -1;
    return (long)output.length;
}
