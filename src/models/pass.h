// One forward pass: what families share around the ops. It turns the batch into what ops take
// (slices of adapters, pages of caches, positions), so that a family's file reads like its paper.
//
// A Pass lives as long as the tape's backward steps need the batch: both must outlive backward().
#pragma once

#include <vector>

#include "models/decoder.h"

namespace lathe::models {

class Pass {
 public:
  Pass(ops::Run& run, const Decoder& decoder, const Batch& batch);

  ops::Run& run() { return run_; }
  const formats::DecoderConfig& config() const { return decoder_.config(); }

  ops::Value embed(const ops::MatrixWeight& table);
  ops::Value rms_norm(const ops::Value& x, const ops::VectorWeight& weight);
  // With the updates that the sequences' adapters have for this site.
  ops::Value linear(const ops::Value& x, const Linear& linear,
                    const ops::Value* residual = nullptr);
  void rotate(const ops::Value& x);
  // Cached or whole, as the batch's sequences are.
  ops::Value attention(const ops::Value& q, const ops::Value& k, const ops::Value& v,
                       const ops::Heads& heads, std::size_t layer);
  // The rows whose logits are wanted.
  ops::Value outputs(const ops::Value& x);
  // The last product, on output rows.
  ops::Value head(const ops::Value& x, const Linear& linear);

 private:
  std::vector<ops::LoraSlice> lora_slices(std::size_t site) const;
  ops::Value cached_attention(const ops::Value& q, const ops::Value& k, const ops::Value& v,
                              const ops::Heads& heads, std::size_t layer);

  ops::Run& run_;
  const Decoder& decoder_;
  const Batch& batch_;
};

}  // namespace lathe::models
