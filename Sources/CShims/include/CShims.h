#pragma once

#include "beneath.h"
#include "confine.h"
#include "filesystem.h"
#include "process.h"
#include "launch.h"
