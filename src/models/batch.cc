#include "models/batch.h"

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

void Batch::clear() {
  tokens.clear();
  positions.clear();
  sequences.clear();
  outputs.clear();
}

}  // namespace lathe::models
