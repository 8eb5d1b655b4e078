// In place of targets.h, for sources that use dot-product instructions (AVX-512 VNNI, which Highway
// has in AVX3_DL).
#pragma once

#define HWY_WANT_AVX3_DL
#define HWY_DISABLED_TARGETS HWY_SSSE3
