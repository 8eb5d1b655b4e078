#include "adapters/adapter.h"

#include <fmt/format.h>

#include "adapters/kv_prefix.h"
#include "adapters/lora.h"
#include "adapters/soft_prompt.h"
#include "adapters/tuned_modules.h"

namespace lathe::adapters {

namespace {

template <class T>
Result<std::unique_ptr<Adapter>> loaded(Result<std::unique_ptr<T>> adapter,
                                        const std::string& place) {
  LATHE_TRY(std::unique_ptr<T> found, std::move(adapter).at(place));
  return std::unique_ptr<Adapter>(std::move(found));
}

}  // namespace

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
  using Kind = formats::PeftConfig::Kind;
  LATHE_TRY(const formats::PeftAdapter peft, formats::PeftAdapter::open(folder));
  const std::string place = folder.string();
  switch (peft.config().kind) {
    case Kind::lora:
    case Kind::ia3:
      if (TunedModules::is_needed(peft)) return loaded(TunedModules::load(decoder, peft), place);
      return loaded(LoraAdapter::load(decoder, peft), place);
    case Kind::prefix_tuning:
      return loaded(KvPrefixAdapter::load(decoder, peft), place);
    case Kind::prompt_tuning:
    case Kind::p_tuning:
      break;
  }
  return loaded(SoftPrompt::load(decoder, peft), place);
}

namespace {

Error two_of(const char* what) {
  return Error::bad_input(fmt::format("two adapters {}", what))
      .fix_with("leave one of them out of the reference");
}

// Adds what `from` has to `all`; false: both have something at one place.
template <class T>
bool join(std::vector<const T*>& all, std::span<const T* const> from) {
  all.resize(std::max(all.size(), from.size()), nullptr);
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (from[i] == nullptr) continue;
    if (all[i] != nullptr) return false;
    all[i] = from[i];
  }
  return true;
}

}  // namespace

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
      set->view_.prefix = view.prefix;
    }
    if (!join(set->loras_, view.loras)) return two_of("change the same matrix");
    if (!join(set->norms_, view.norms)) return two_of("change the same norm");
    if (view.embedding != nullptr && set->view_.embedding != nullptr)
      return two_of("change the embeddings");
    if (view.embedding != nullptr) set->view_.embedding = view.embedding;
  }
  set->view_.loras = set->loras_;
  set->view_.norms = set->norms_;
  set->adapters_ = std::move(adapters);
  return std::shared_ptr<const AdapterSet>(std::move(set));
}

}  // namespace lathe::adapters
