// In front of the sources that are compiled once more for processors with SDOT
// (cmake/LatheArm.cmake; Armv8.2's dot product).
#pragma once

#define LATHE_ARM_DOT
#define LATHE_ARM_TARGET "arch=armv8.2-a+crypto+dotprod"

// Names of their own: Highway's namespace, in which its code and ours stands, and what the sources
// fill tables with.
#define N_NEON N_NEON_DOT
#define fill_packed fill_packed_dot
#define fill_row fill_row_dot
#define fill_limits fill_limits_dot
