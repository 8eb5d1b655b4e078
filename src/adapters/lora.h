// LoRA (Hu et al. 2021): low-rank updates of chosen linear modules.
#pragma once

#include "adapters/adapter.h"

namespace lathe::adapters {

class LoraAdapter final : public Adapter {
 public:
  // Fresh: A uniform in ±1/sqrt(in) (Kaiming with a = sqrt(5), as PEFT does), B zero, so that the
  // model's answers do not change yet. target_modules are ends of module names ("q_proj"); each
  // must match.
  static Result<std::unique_ptr<LoraAdapter>> make(const models::Decoder& decoder,
                                                   const formats::LoraConfig& config,
                                                   std::uint64_t seed);
  static Result<std::unique_ptr<LoraAdapter>> load(const models::Decoder& decoder,
                                                   const formats::PeftAdapter& peft);

  models::SequenceAdapters view() const override { return {by_site_, nullptr}; }
  Status save(const os::Path& folder, const std::string& base_model) const override;

  const formats::LoraConfig& config() const { return config_; }

 private:
  struct Site {
    std::size_t index = 0;
    std::string module;
    ops::LoraWeight weight;
  };
  explicit LoraAdapter(const models::Decoder& decoder, formats::LoraConfig config)
      : config_(std::move(config)), by_site_(decoder.sites().size(), nullptr) {}
  // Adds a site with its two parameters; values may be empty (zeros).
  void add(std::size_t index, const std::string& module, models::Parameter a, models::Parameter b,
           double scale);
  void bind() override;

  formats::LoraConfig config_;
  std::deque<Site> sites_;  // in the order of parameters_: a of site i at 2 i, b at 2 i + 1
  std::vector<const ops::LoraWeight*> by_site_;
};

}  // namespace lathe::adapters
