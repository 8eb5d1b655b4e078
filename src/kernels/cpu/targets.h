// Included first by every source in this folder, before Highway: the instruction sets we build for.
// SSE4 stands for every x86-64 processor since 2008; SSSE3 and the AVX-512 extensions (AVX3_DL and
// up) would add compile time and no instruction that these kernels use.
#pragma once

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
