// In place of targets.h, for sources that use dot-product instructions: AVX-512 VNNI, which Highway
// has in AVX3_DL. Those of Arm it does not have: cmake/LatheArm.cmake.
#pragma once

#define HWY_WANT_AVX3_DL
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
