#include "models/batch.h"

#include "base/result.h"

namespace lathe::models {

BatchSequence& Batch::add(std::span<const std::int32_t> sequence_tokens, std::size_t start) {
  BatchSequence sequence;
  sequence.first = tokens.size();
  sequence.count = sequence_tokens.size();
  tokens.insert(tokens.end(), sequence_tokens.begin(), sequence_tokens.end());
  for (std::size_t i = 0; i < sequence.count; ++i)
    positions.push_back(static_cast<std::int32_t>(start + i));
  sequences.push_back(sequence);
  return sequences.back();
}

std::size_t Batch::drawn_rows() const {
  std::size_t rows = 0;
  for (const BatchSequence& s : sequences) {
    LATHE_ASSERT(!s.drawn || s.first == rows);
    if (s.drawn) rows += s.count;
  }
  return rows;
}

void Batch::clear() {
  tokens.clear();
  positions.clear();
  sequences.clear();
  outputs.clear();
}

}  // namespace lathe::models
