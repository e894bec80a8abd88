// memfd_create is a GNU extension that Swift's Glibc module does not expose.
#include "CCrashScan.h"
#include <sys/mman.h>

int crash_unnamed_file(void) { return memfd_create("salvage", MFD_CLOEXEC); }
