// An adapter of modules with more than plain low-rank updates: DoRA (Liu et al. 2024), IA3 (Liu et
// al. 2022), biases, whole modules (PEFT's modules_to_save), embeddings. For inference only: it
// has nothing that learns and is not saved.
//
// Source: PEFT 0.21, peft/tuners/lora/{layer,dora}.py, peft/tuners/ia3/layer.py,
// peft/tuners/trainable_tokens.
#pragma once

#include "adapters/adapter.h"
#include "formats/decoder_tensors.h"

namespace lathe::adapters {

class TunedModules final : public Adapter {
 public:
  // Whether a folder needs this class rather than LoraAdapter.
  static bool is_needed(const formats::PeftAdapter& peft);

  // Errors: bad_input (a tensor without a place in this model, or of another shape), unsupported.
  static Result<std::unique_ptr<TunedModules>> load(const models::Decoder& decoder,
                                                    const formats::PeftAdapter& peft);

  models::SequenceAdapters view() const override;
  // unsupported, always.
  Status save(const os::Path& folder, const std::string& base_model) const override;

 private:
  explicit TunedModules(const models::Decoder& decoder);
  Status add_pair(const formats::PeftAdapter& peft, const formats::LoraPair& pair);
  Status add_other(const formats::PeftConfig& config, const formats::PeftTensor& tensor);
  Status add_vector(const formats::PeftConfig& config, const formats::PeftTensor& tensor,
                    std::size_t site);
  Status add_weight(const formats::PeftTensor& tensor, std::size_t site);
  Status add_norm(const formats::PeftTensor& tensor, std::size_t norm);
  Status add_embedding(const formats::PeftConfig& config, const formats::PeftTensor& tensor);
  void put_table(const formats::PeftConfig& config, const std::string& module,
                 std::vector<float> values);
  Status add_token_rows(const formats::PeftConfig& config, const std::vector<float>& rows);
  Status add_magnitude(std::size_t site, const std::vector<float>& magnitude);
  void bind() override {}

  // The change of a site, made when first asked for.
  ops::LoraWeight& change(std::size_t site);
  const float* keep(std::vector<float> values);
  const ops::VectorWeight* keep_vector(std::vector<float> values, float offset = 0);
  // Packed for the active kernels.
  const ops::MatrixWeight* keep_matrix(const std::vector<float>& values, std::size_t rows,
                                       std::size_t columns);
  // [out], the length of each row of W + scale * b a.
  std::vector<float> row_lengths(std::size_t site) const;

  const models::Decoder& decoder_;
  std::vector<formats::ExpectedTensor> tensors_;  // of the model
  std::vector<const ops::LoraWeight*> by_site_;
  std::vector<const models::NormChange*> by_norm_;
  models::EmbeddingChange embedding_;
  bool changes_embedding_ = false;
  std::deque<ops::LoraWeight> changes_;
  std::deque<models::NormChange> norms_;
  std::deque<ops::VectorWeight> vectors_;
  std::deque<ops::MatrixWeight> matrices_;
  std::deque<std::vector<float>> values_;
  std::vector<std::int32_t> tokens_;
};

}  // namespace lathe::adapters
