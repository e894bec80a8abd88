#pragma once

#include "beneath.h"
#include "confine.h"
#include "process.h"
#include "launch.h"
