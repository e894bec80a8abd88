#include "CFiles.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

_Static_assert(SALVAGE_O_PATH == O_PATH, "O_PATH");
_Static_assert(SALVAGE_O_TMPFILE == O_TMPFILE, "O_TMPFILE");
_Static_assert(SALVAGE_SEEK_DATA == SEEK_DATA, "SEEK_DATA");
_Static_assert(SALVAGE_SEEK_HOLE == SEEK_HOLE, "SEEK_HOLE");

int salvage_rename_new(int old_folder, const char *old_path, int new_folder, const char *new_path) {
    return renameat2(old_folder, old_path, new_folder, new_path, RENAME_NOREPLACE);
}

int salvage_rename_exchange(int old_folder, const char *old_path, int new_folder, const char *new_path) {
    return renameat2(old_folder, old_path, new_folder, new_path, RENAME_EXCHANGE);
}

int salvage_sync_filesystem(int descriptor) { return syncfs(descriptor); }

int salvage_memfd(const char *name) { return memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING); }

int salvage_seal(int memfd, int writable) {
    int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | (writable ? 0 : F_SEAL_WRITE);
    return fcntl(memfd, F_ADD_SEALS, seals);
}
