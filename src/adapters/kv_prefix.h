// Prefix tuning (Li & Liang 2021): learned keys and values of every layer that stand before the
// prompt. Virtual tokens take their places in the cache; what these compute otherwise is seen by
// nobody. For inference only.
//
// Source: PEFT 0.21, peft/tuners/prefix_tuning/model.py and PeftModel.get_prompt.
#pragma once

#include "adapters/adapter.h"

namespace lathe::adapters {

class KvPrefixAdapter final : public Adapter {
 public:
  // Errors: bad_input (for another number of layers, or keys of another width), limit (longer than
  // the context).
  static Result<std::unique_ptr<KvPrefixAdapter>> load(const models::Decoder& decoder,
                                                       const formats::PeftAdapter& peft);

  models::SequenceAdapters view() const override;
  // unsupported, always.
  Status save(const os::Path& folder, const std::string& base_model) const override;

 private:
  KvPrefixAdapter() = default;
  void bind() override {}

  std::vector<float> values_;  // as models::KvPrefix has them
  std::vector<float> zeros_;   // the embeddings of the virtual tokens
  models::KvPrefix prefix_;
  ops::MatrixWeight tokens_;
};

}  // namespace lathe::adapters
