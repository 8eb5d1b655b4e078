// In front of the sources that are compiled once more for processors with USDOT and SMMLA
// (cmake/LatheArm.cmake; Armv8.6's products of 8-bit integers).
#pragma once

#define LATHE_ARM_DOT
#define LATHE_ARM_I8MM
#define LATHE_ARM_TARGET "arch=armv8.2-a+crypto+dotprod+i8mm"

// Names of their own: Highway's namespace, in which its code and ours stands, and what the sources
// fill tables with.
#define N_NEON N_NEON_I8MM
#define fill_row fill_row_i8mm
#define fill_limits fill_limits_i8mm
