// An adaptation that lives in a model's forward pass: changes of modules (LoRA and others), a soft
// prompt or a prefix. It is loaded from a PEFT folder and put into a pass for one sequence at a
// time, beside other sequences' adapters; plain LoRA and soft prompts also learn and are saved.
//
// Wholly applied or refused: every tensor of a loaded adapter has a place in the model, of the
// right shape, or loading is an error that names it.
#pragma once

#include <deque>
#include <memory>
#include <span>
#include <string>

#include "formats/peft.h"
#include "models/decoder.h"

namespace lathe::adapters {

class Adapter {
 public:
  virtual ~Adapter() = default;

  // What can learn, in a fixed order. Frozen until set_learning(true).
  std::deque<models::Parameter>& parameters() { return parameters_; }
  const std::deque<models::Parameter>& parameters() const { return parameters_; }
  void set_learning(bool learns);

  // What a pass takes; valid while this lives.
  virtual models::SequenceAdapters view() const = 0;

  // Writes a PEFT folder. base_model: the name of the model it belongs to.
  virtual Status save(const os::Path& folder, const std::string& base_model) const = 0;

 protected:
  // Points the ops' weights at the parameters' values and gradients.
  virtual void bind() = 0;
  static ops::MatrixWeight weight_of(models::Parameter& parameter);

  std::deque<models::Parameter> parameters_;
};

// The kind that the folder's config says.
Result<std::unique_ptr<Adapter>> load_adapter(const models::Decoder& decoder,
                                              const os::Path& folder);

// Several adapters on one sequence: their low-rank updates must not meet at a site, and at most one
// brings a soft prompt. Keeps the adapters alive. Immutable; share it freely.
class AdapterSet {
 public:
  static Result<std::shared_ptr<const AdapterSet>> make(
      std::vector<std::shared_ptr<const Adapter>> adapters);

  const models::SequenceAdapters& view() const { return view_; }
  // Virtual tokens that stand before the prompt.
  std::size_t virtual_tokens() const {
    return view_.soft_prompt == nullptr ? 0 : view_.soft_prompt->rows;
  }

 private:
  AdapterSet() = default;
  std::vector<std::shared_ptr<const Adapter>> adapters_;
  std::vector<const ops::LoraWeight*> loras_;
  std::vector<const models::NormChange*> norms_;
  models::SequenceAdapters view_;
};

}  // namespace lathe::adapters
