// AMX: eight registers that are tiles of 16 rows of 64 bytes, and products of them (Intel 64 and
// IA-32 Architectures Software Developer's Manual, volume 1, chapter 18). Written as assembly,
// since the compilers that we build with take their own intrinsics for instructions that touch no
// memory.
//
// The tiles of a thread are configured by a TileSession, and free again after it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace lathe::kernels::cpu {

// Whether the processor has tiles of bf16 and int8, and the system lets this process use them. Asks
// the system for the permission at the first call.
bool has_tiles();

inline constexpr std::size_t kTileRowBytes = 64;  // of a whole row

// What LDTILECFG reads.
struct alignas(64) TileConfig {
  std::uint8_t palette = 1;
  std::uint8_t start_row = 0;
  std::array<std::uint8_t, 14> reserved = {};
  std::array<std::uint16_t, 16> row_bytes = {};
  std::array<std::uint8_t, 16> rows = {};

  void set(std::size_t tile, std::size_t tile_rows, std::size_t bytes) {
    rows[tile] = static_cast<std::uint8_t>(tile_rows);
    row_bytes[tile] = static_cast<std::uint16_t>(bytes);
  }
};

class TileSession {
 public:
  explicit TileSession(const TileConfig& config) {
    asm volatile("ldtilecfg %0" : : "m"(config) : "memory");
  }
  ~TileSession() { asm volatile("tilerelease" : : : "memory"); }
  TileSession(const TileSession&) = delete;
  TileSession& operator=(const TileSession&) = delete;
};

// Rows of a tile stand `stride` bytes apart.
template <int kTile>
inline void tile_load(const void* rows, std::size_t stride) {
  using Bytes = const char[];
  asm volatile("tileloadd (%0,%1,1), %%tmm%c2"
               :
               : "r"(rows), "r"(stride), "n"(kTile), "m"(*static_cast<Bytes*>(rows)));
}
template <int kTile>
inline void tile_store(void* rows, std::size_t stride) {
  using Bytes = char[];
  asm volatile("tilestored %%tmm%c3, (%1,%2,1)"
               : "=m"(*static_cast<Bytes*>(rows))
               : "r"(rows), "r"(stride), "n"(kTile));
}
template <int kTile>
inline void tile_zero() {
  asm volatile("tilezero %%tmm%c0" : : "n"(kTile));
}
// C += A B in f32: A's rows are bf16 along k; row i of B holds values 2 i and 2 i + 1 of each
// column.
template <int kC, int kA, int kB>
inline void tile_add_bf16() {
  asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "n"(kC), "n"(kA), "n"(kB));
}

}  // namespace lathe::kernels::cpu
