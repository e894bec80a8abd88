#include "filesystem.h"

#include <unistd.h>

int salvage_sync_filesystem(int descriptor) { return syncfs(descriptor); }
