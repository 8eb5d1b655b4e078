// Soft prompts: learned embeddings that stand before the prompt. Prompt tuning (Lester et al. 2021)
// learns them as they are; P-tuning's (Liu et al. 2021) computed embeddings load into the same
// place.
#pragma once

#include "adapters/adapter.h"

namespace lathe::adapters {

class SoftPrompt final : public Adapter {
 public:
  // Starts from the embeddings of init_tokens, repeated to fill virtual_tokens rows.
  // REQUIRES: the decoder was loaded for training or keeps f32 embedding rows; init_tokens not
  // empty.
  static Result<std::unique_ptr<SoftPrompt>> make(const models::Decoder& decoder,
                                                  std::size_t virtual_tokens,
                                                  std::span<const std::int32_t> init_tokens);
  static Result<std::unique_ptr<SoftPrompt>> load(const models::Decoder& decoder,
                                                  const formats::PeftAdapter& peft);

  models::SequenceAdapters view() const override { return {{}, &weight_}; }
  Status save(const os::Path& folder, const std::string& base_model) const override;

 private:
  explicit SoftPrompt(models::Parameter rows) {
    parameters_.push_back(std::move(rows));
    bind();
  }
  void bind() override { weight_ = weight_of(parameters_.front()); }

  ops::MatrixWeight weight_;
};

}  // namespace lathe::adapters
