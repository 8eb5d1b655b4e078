#include "adapters/adapter.h"

#include <fmt/format.h>

#include "adapters/lora.h"
#include "adapters/soft_prompt.h"

namespace lathe::adapters {

void Adapter::set_learning(bool learns) {
  for (models::Parameter& p : parameters_) p.gradient.assign(learns ? p.values.size() : 0, 0.0f);
  bind();
}

ops::MatrixWeight Adapter::weight_of(models::Parameter& parameter) {
  ops::MatrixWeight weight;
  weight.rows = static_cast<std::size_t>(parameter.shape[0]);
  weight.columns = static_cast<std::size_t>(parameter.shape[1]);
  weight.f32 = parameter.values.data();
  weight.gradient = parameter.gradient.empty() ? nullptr : parameter.gradient.data();
  return weight;
}

Result<std::unique_ptr<Adapter>> load_adapter(const models::Decoder& decoder,
                                              const os::Path& folder) {
  LATHE_TRY(const formats::PeftAdapter peft, formats::PeftAdapter::open(folder));
  if (peft.config().kind == formats::PeftConfig::Kind::lora) {
    LATHE_TRY(std::unique_ptr<LoraAdapter> lora,
              LoraAdapter::load(decoder, peft).at(folder.string()));
    return std::unique_ptr<Adapter>(std::move(lora));
  }
  LATHE_TRY(std::unique_ptr<SoftPrompt> prompt,
            SoftPrompt::load(decoder, peft).at(folder.string()));
  return std::unique_ptr<Adapter>(std::move(prompt));
}

Result<std::shared_ptr<const AdapterSet>> AdapterSet::make(
    std::vector<std::shared_ptr<const Adapter>> adapters) {
  std::shared_ptr<AdapterSet> set(new AdapterSet());
  for (const auto& adapter : adapters) {
    const models::SequenceAdapters view = adapter->view();
    if (view.soft_prompt != nullptr) {
      if (set->view_.soft_prompt != nullptr) {
        return Error::bad_input("two soft prompts are named; a sequence takes one")
            .fix_with("leave one of them out of the reference");
      }
      set->view_.soft_prompt = view.soft_prompt;
    }
    set->loras_.resize(std::max(set->loras_.size(), view.loras.size()), nullptr);
    for (std::size_t site = 0; site < view.loras.size(); ++site) {
      if (view.loras[site] == nullptr) continue;
      if (set->loras_[site] != nullptr) {
        return Error::bad_input("two LoRA adapters change the same matrix")
            .fix_with("leave one of them out of the reference");
      }
      set->loras_[site] = view.loras[site];
    }
  }
  set->view_.loras = set->loras_;
  set->adapters_ = std::move(adapters);
  return std::shared_ptr<const AdapterSet>(std::move(set));
}

}  // namespace lathe::adapters
