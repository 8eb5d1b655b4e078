// Included first by every source in this folder, before Highway: the instruction sets we build for.
// SSE4 stands for every x86-64 processor since 2008; SSSE3 and the AVX-512 extensions (AVX3_DL and
// up) would add compile time and no instruction that these kernels use. On 64-bit Arm there is NEON
// and what arm/ adds to it; SVE's vectors have no size at compile time, which the kernels need.
#pragma once

#define HWY_DISABLED_TARGETS \
  (HWY_SSSE3 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
