#include "CCrashScan.h"
