// In place of targets.h, for sources that only serve processors with AMX, all of which have
// AVX3_DL.
#pragma once

#define HWY_WANT_AVX3_DL
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX2 | HWY_AVX3)
