#include "CISAL.h"

#include <dlfcn.h>
#include <pthread.h>

static struct {
    __typeof__(&isal_inflate_init) init;
    __typeof__(&isal_inflate_reset) reset;
    __typeof__(&isal_inflate) inflate;
    int usable;
} library;

static void load(void) {
    void *handle = dlopen("libisal.so.2", RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) return;
    library.init = (__typeof__(library.init))dlsym(handle, "isal_inflate_init");
    library.reset = (__typeof__(library.reset))dlsym(handle, "isal_inflate_reset");
    library.inflate = (__typeof__(library.inflate))dlsym(handle, "isal_inflate");
    library.usable = library.init && library.reset && library.inflate;
}

int salvage_isal_is_available(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    return library.usable;
}

void salvage_isal_init(struct inflate_state *state) { library.init(state); }

void salvage_isal_reset(struct inflate_state *state) { library.reset(state); }

int salvage_isal_inflate(struct inflate_state *state) { return library.inflate(state); }
