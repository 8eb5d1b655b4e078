// An encoder ready to run: BERT and its kin, which read a whole text at once and give a state for
// each of its tokens. The forward pass is written once, in encoder.cc, over ops; a family is what
// its config says (formats/encoders).
//
// Ownership: an Encoder owns the storage that its weights point to. Thread-safety: const members
// may be called from several threads at once, each with a Run of its own.
// Source: Devlin et al. 2018; post-norm blocks as in Vaswani et al. 2017.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/parallel.h"
#include "formats/encoder_source.h"
#include "formats/encoder_tensors.h"
#include "models/decoder_weights.h"
#include "models/weight_store.h"
#include "ops/ops.h"

namespace lathe::models {

struct EncoderLayer {
  Linear q, k, v, o;    // [hidden, hidden]
  Norm attention_norm;  // [hidden]
  Linear up;            // [intermediate, hidden]
  Linear down;          // [hidden, intermediate]
  Norm mlp_norm;        // [hidden]
};

struct EncoderWeights {
  ops::MatrixWeight tokens;     // [vocab, hidden]; these three in f32 form
  ops::MatrixWeight types;      // [token types, hidden]; no rows: the family has none
  ops::MatrixWeight positions;  // [positions, hidden]
  Norm norm;                    // of their sum
  std::vector<EncoderLayer> layers;
};

// Texts one after the other, without padding: each sees itself alone.
struct EncoderBatch {
  std::vector<std::int32_t> tokens;     // [rows]
  std::vector<std::int32_t> types;      // [rows]: 0 throughout, a text's first segment
  std::vector<std::int32_t> positions;  // [rows]: of the table
  std::vector<ops::SequenceRows> texts;
};

class Encoder {
 public:
  // Matrices are packed for the active kernels, q8_0 stays 8 bits wide.
  static Result<std::unique_ptr<Encoder>> load(const formats::EncoderSource& source,
                                               Parallel& parallel);

  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;

  const formats::EncoderConfig& config() const { return config_; }
  const EncoderWeights& weights() const { return weights_; }

  // bad_input: no token at all, or one outside the vocabulary; limit: more of them than the model
  // has positions for, with both counts.
  Status check(std::span<const std::int32_t> tokens) const;

  // Appends a text. REQUIRES: check(tokens) passed.
  void add(EncoderBatch& batch, const std::vector<std::int32_t>& tokens) const;

  // The last states: [rows, hidden]. A row depends on the tokens of its text alone, bit by bit.
  ops::Value forward(ops::Run& run, const EncoderBatch& batch) const;

 private:
  explicit Encoder(const formats::EncoderConfig& config);
  Status load_tensor(const formats::EncoderTensor& wanted, const tensor::TensorView& view,
                     Parallel& parallel);

  formats::EncoderConfig config_;
  EncoderWeights weights_;
  WeightStore store_;
};

}  // namespace lathe::models
