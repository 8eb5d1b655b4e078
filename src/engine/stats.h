// A reading of an engine, for /metrics and for `lathe ps`. Counters only grow; rates are for
// whoever reads twice.
#pragma once

#include <cstddef>
#include <cstdint>

namespace lathe::engine {

struct EngineStats {
  // Now.
  std::size_t running = 0;       // sequences in the batch
  std::size_t waiting = 0;       // accepted, not in the batch
  std::size_t pages_used = 0;    // of keys and values, cached ones included
  std::size_t pages_cached = 0;  // known to the prefix cache, whether or not in use
  std::size_t pages_total = 0;
  std::size_t page_bytes = 0;

  // Since the start.
  std::uint64_t steps = 0;             // forward passes
  std::uint64_t rows = 0;              // rows that went through them
  std::uint64_t prompt_tokens = 0;     // of started requests, virtual ones included
  std::uint64_t cached_tokens = 0;     // of those, found in the prefix cache
  std::uint64_t generated_tokens = 0;  // drawn
  std::uint64_t preemptions = 0;       // sequences that gave their pages back
  std::uint64_t finished = 0;          // ended by themselves
  std::uint64_t cancelled = 0;
  std::uint64_t failed = 0;
  double busy_seconds = 0;  // spent in steps
};

}  // namespace lathe::engine
