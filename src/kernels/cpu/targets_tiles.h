// In place of targets.h, for sources that only serve processors with AMX, all of which have
// AVX3_DL. Where there is no AMX, Highway's one target of the other processors is left, for which
// these sources are empty.
#pragma once

#define HWY_WANT_AVX3_DL
#define HWY_DISABLED_TARGETS \
  (HWY_SSSE3 | HWY_SSE4 | HWY_AVX2 | HWY_AVX3 | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
