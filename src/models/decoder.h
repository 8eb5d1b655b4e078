// A decoder ready to run: config, weights and rotary angles. The forward pass is written once, in
// decoder_forward.cc, over ops; inference and training call it with different runs and
// batches.
//
// Ownership: a Decoder owns the storage that its weights point to. Thread-safety: const members may
// be called from several threads at once, each with a Run of its own; parameters() are for one
// trainer.
#pragma once

#include <deque>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/parallel.h"
#include "formats/model_source.h"
#include "models/batch.h"
#include "models/decoder_weights.h"
#include "models/kv_cache.h"
#include "models/rotary.h"
#include "models/weight_store.h"
#include "ops/ops.h"

namespace lathe::models {

// One named weight in f32, with its gradient when it learns.
struct Parameter {
  std::string name;     // canonical, as in the file
  tensor::Shape shape;  // [n] or [out, in]
  std::vector<float> values;
  std::vector<float> gradient;  // empty: frozen
};

class Decoder {
 public:
  // For inference: matrices are mapped from the model's packed file (packed_model.h) if
  // there is one that can be used, which is logged if not; all others are packed here.
  // context: positions to prepare for; 0 means the model's own maximum, more is an error.
  static Result<std::unique_ptr<Decoder>> load(const formats::ModelSource& source,
                                               Parallel& parallel, std::size_t context = 0);
  // Asks the system for all mapped matrices at once instead of page by page as they are read. To be
  // called once the source is closed: the pages of it that were touched, up to 2 MiB for each norm,
  // count as the process's memory until then.
  void map_weights() const { store_.populate(); }
  // For training: every weight as an f32 Parameter, frozen.
  static Result<std::unique_ptr<Decoder>> load_trainable(const formats::ModelSource& source);
  // Fresh weights: normal(0, deviation), the matrices that write into the residual stream scaled by
  // 1 / sqrt(2 layers) (Radford et al. 2019), norms 1. Deterministic by seed. Errors: config
  // checks.
  static Result<std::unique_ptr<Decoder>> make(const formats::DecoderConfig& config,
                                               float deviation, std::uint64_t seed);

  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  const formats::DecoderConfig& config() const { return config_; }
  const DecoderWeights& weights() const { return weights_; }
  std::size_t context() const { return context_; }
  const Rotary& rotary() const { return *rotary_; }
  // ALiBi's bias of a key at each position, by head: [heads, context()]; empty for other positions.
  std::span<const float> key_biases() const { return key_biases_; }
  KvShape kv_shape() const;

  // Names of linear modules by site; where LoRA may go.
  std::span<const std::string> sites() const { return sites_; }
  // The module of a site.
  const Linear& linear(std::size_t site) const { return *layout_.linears[site]; }
  // Names of norms by Norm::index.
  std::span<const std::string> norms() const { return layout_.norms; }
  // [out, in] of a site.
  std::pair<std::size_t, std::size_t> site_shape(std::size_t site) const {
    return layout_.sites[site].shape;
  }

  // The f32 weights in the order of the file; empty when loaded for inference.
  std::deque<Parameter>& parameters() { return parameters_; }
  const std::deque<Parameter>& parameters() const { return parameters_; }
  // Gives a parameter a gradient (zeros), so that it learns; false takes it away.
  void set_learning(Parameter& parameter, bool learns);

  // Logits of batch.outputs: [outputs, vocab]. Cached sequences get their rows written and
  // advanced. REQUIRES: tokens inside the vocabulary, positions inside context(), reserved cache
  // pages.
  ops::Value forward(ops::Run& run, const Batch& batch) const;

  // Checks a batch's tokens and positions: bad_input or limit with the counts.
  Status check(const Batch& batch) const;

 private:
  explicit Decoder(const formats::DecoderConfig& config, std::size_t context);
  void bind_parameters();

  formats::DecoderConfig config_;
  std::size_t context_;
  std::unique_ptr<Rotary> rotary_;
  DecoderWeights weights_;
  Layout layout_;
  std::vector<std::string> sites_;  // the names of layout_.sites
  std::vector<float> key_biases_;
  std::deque<Parameter> parameters_;  // a deque: pointers into it stay
  WeightStore store_;                 // of a decoder loaded for inference
  friend class InferenceLoader;
};

}  // namespace lathe::models
