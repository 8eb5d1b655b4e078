// One forward pass: what families share around the ops. It turns the batch into what ops take
// (slices of adapters, pages of caches, positions), so that the passes of families read like their
// papers.
//
// A Pass lives as long as the tape's backward steps need the batch: both must outlive backward().
#pragma once

#include <array>
#include <vector>

#include "base/function_ref.h"
#include "models/decoder.h"

namespace lathe::models {

class Pass {
 public:
  Pass(ops::Run& run, const Decoder& decoder, const Batch& batch);

  ops::Run& run() { return run_; }
  const formats::DecoderConfig& config() const { return decoder_.config(); }

  std::span<const float> key_biases() const { return decoder_.key_biases(); }

  // The tokens' rows, scaled, with those of learned positions.
  ops::Value embed();
  // RMSNorm or LayerNorm, as the config says, of the batch's rows.
  ops::Value norm(const ops::Value& x, const Norm& norm);
  // The same of output rows.
  ops::Value output_norm(const ops::Value& x, const Norm& norm);
  // Head by head.
  ops::Value rms_norm(const ops::Value& x, const Norm& norm);
  // With the updates that the sequences' adapters have for this site.
  ops::Value linear(const ops::Value& x, const Linear& linear,
                    const ops::Value* residual = nullptr);
  // The same with three modules that read one x.
  std::array<ops::Value, 3> linear_of_three(const ops::Value& x,
                                            const std::array<const Linear*, 3>& linears);
  // linear() where x holds `rows` of the batch.
  ops::Value linear_of_rows(const ops::Value& x, const Linear& linear,
                            std::span<const std::int32_t> rows);
  // Whether a module is its weights alone in this pass: no bias, and no sequence's adapter changes
  // it.
  bool is_plain(const Linear& linear) const;
  // A gated MLP. REQUIRES: gate and up are plain.
  ops::Value mlp(const ops::Value& x, const DecoderLayer& layer, const ops::Value* residual);
  void rotate(const ops::Value& x, std::size_t layer);
  // Cached or whole, as the batch's sequences are.
  ops::Value attention(const ops::Value& q, const ops::Value& k, const ops::Value& v,
                       const ops::Heads& heads, std::size_t layer);
  // The rows whose logits are wanted.
  ops::Value outputs(const ops::Value& x);
  // The last product, on output rows: as of drawn rows where a token is drawn from one.
  ops::Value head(const ops::Value& x, const Linear& linear);

 private:
  // is_drawn(row) says which way a row takes (ops::Activations::by_row).
  ops::Value product_of_rows(const ops::Value& x, const Linear& linear,
                             std::span<const std::int32_t> rows,
                             FunctionRef<bool(std::int32_t)> is_drawn);
  bool is_drawn_from(std::int32_t row) const;
  // Where the rows stand, and how long their texts are.
  std::vector<RotaryRow> rotary_rows() const;
  void change_norm(const ops::Value& x, const Norm& norm, const ops::Value& y);
  void change_embeddings(const ops::Value& x);
  void put_prefixes(const ops::Value& k, const ops::Value& v, std::size_t layer);
  ops::Value normed(const ops::Value& x, const Norm& norm);
  std::vector<ops::LoraSlice> lora_slices(std::size_t site) const;
  std::vector<ops::LoraSlice> lora_slices_of_rows(std::size_t site,
                                                  std::span<const std::int32_t> rows) const;
  ops::Value cached_attention(const ops::Value& q, const ops::Value& k, const ops::Value& v,
                              const ops::Heads& heads, std::size_t layer);

  ops::Run& run_;
  const Decoder& decoder_;
  const Batch& batch_;
  RotaryAngles angles_, window_angles_;  // of layers without and with a window
};

}  // namespace lathe::models
