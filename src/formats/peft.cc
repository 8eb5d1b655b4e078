#include "formats/peft.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "formats/config_bounds.h"
#include "formats/foreign_text.h"

namespace lathe::formats {
namespace {

using tensor::NamedTensor;
using tensor::TensorView;

constexpr std::string_view kPrefix = "base_model.model.";
constexpr std::string_view kEndA = ".lora_A.weight";
constexpr std::string_view kEndB = ".lora_B.weight";

struct RoleEnd {
  std::string_view end;
  PeftTensor::Role role;
};
// The first that fits; the plain ones last.
constexpr RoleEnd kRoles[] = {
    {".lora_B.bias", PeftTensor::Role::lora_bias},
    {".lora_magnitude_vector", PeftTensor::Role::magnitude},
    {".lora_magnitude_vector.weight", PeftTensor::Role::magnitude},
    {".lora_embedding_A", PeftTensor::Role::embedding_a},
    {".lora_embedding_B", PeftTensor::Role::embedding_b},
    {".token_adapter.trainable_tokens_delta", PeftTensor::Role::token_rows},
    {".ia3_l", PeftTensor::Role::ia3},
    {".base_layer.weight", PeftTensor::Role::weight},
    {".base_layer.bias", PeftTensor::Role::bias},
    {".weight", PeftTensor::Role::weight},
    {".bias", PeftTensor::Role::bias},
};
constexpr const char* kPromptTensor = "prompt_embeddings";
constexpr const char* kConfigFile = "adapter_config.json";
constexpr const char* kWeightsFile = "adapter_model.safetensors";
Status check_float(const NamedTensor& t) {
  switch (t.view.dtype) {
    case tensor::DType::f32:
    case tensor::DType::f16:
    case tensor::DType::bf16:
      return {};
    default:
      return Error::unsupported(fmt::format("values of type {} cannot be read here",
                                            tensor::to_string(t.view.dtype)))
          .at("tensor " + in_quotes(t.name));
  }
}

// The module a LoRA tensor belongs to; nothing when its name has another form.
std::optional<std::string> module_of(std::string_view name, std::string_view end) {
  if (!name.starts_with(kPrefix) || !name.ends_with(end) ||
      name.size() <= kPrefix.size() + end.size())
    return std::nullopt;
  name.remove_prefix(kPrefix.size());
  name.remove_suffix(end.size());
  return std::string(name);
}

Status check_shapes(const PeftConfig& config, const LoraPair& pair) {
  // What a regular expression says of the rank, the tensors say too.
  const bool known = !config.lora.has_regex_patterns() || pair.a.shape.empty();
  const std::int64_t rank = known ? config.lora.rank_of(pair.module) : pair.a.shape[0];
  const bool fit = pair.a.shape.size() == 2 && pair.b.shape.size() == 2 &&
                   pair.a.shape[0] == rank && pair.b.shape[1] == rank;
  if (fit) return {};
  return Error::bad_input(fmt::format("lora_A {} and lora_B {} are not [{}, in] and [out, {}]",
                                      tensor::to_string(pair.a.shape),
                                      tensor::to_string(pair.b.shape), rank, rank));
}

// Two patterns of one module with different values: PEFT takes whichever stands first in the file.
template <class T>
Status check_unambiguous(const char* field, const std::map<std::string, T>& pattern,
                         const std::string& module) {
  const T* value = nullptr;
  for (const auto& [end, number] : pattern) {
    if (!is_dotted_end(module, end)) continue;
    if (value != nullptr && *value != number)
      return Error::unsupported(fmt::format("{} has two values for this module", field));
    value = &number;
  }
  return {};
}

Status check_pair(const PeftConfig& config, const LoraPair& pair) {
  if (!config.lora.targets(pair.module))
    return Error::bad_input("target_modules and layers_to_transform do not name this module");
  if (!config.lora.has_regex_patterns()) {
    LATHE_CHECK(check_unambiguous("rank_pattern", config.lora.rank_pattern, pair.module));
    LATHE_CHECK(check_unambiguous("alpha_pattern", config.lora.alpha_pattern, pair.module));
  }
  return check_shapes(config, pair);
}

// What has a name of its own in an adapter's file has one of the known forms.
Result<PeftTensor> other_tensor(const NamedTensor& t) {
  for (const RoleEnd& known : kRoles) {
    if (auto module = module_of(t.name, known.end))
      return PeftTensor{*std::move(module), known.role, t.view};
  }
  return Error::unsupported(
      fmt::format("tensor {} is not part of an adapter of this kind", in_quotes(t.name)));
}

// Whether part is a whole stretch between dots of the name: "mlp" of "model.layers.0.mlp.up_proj".
bool has_part(const std::string& name, const std::string& part) {
  return ("." + name + ".").find("." + part + ".") != std::string::npos;
}

Status check_others(const PeftConfig& config, std::span<const LoraPair> pairs,
                    std::span<const PeftTensor> others) {
  using Role = PeftTensor::Role;
  const auto count = [&](Role role) {
    return std::count_if(others.begin(), others.end(),
                         [&](const PeftTensor& t) { return t.role == role; });
  };
  const auto wanted = static_cast<std::ptrdiff_t>(pairs.size());
  if (count(Role::magnitude) != (config.lora.dora ? wanted : 0))
    return Error::bad_input(fmt::format("use_dora is {}, but {} of {} pairs have a magnitude",
                                        config.lora.dora, count(Role::magnitude), wanted));
  if (count(Role::lora_bias) != (config.lora.lora_bias ? wanted : 0))
    return Error::bad_input(fmt::format("lora_bias is {}, but {} of {} pairs have a bias",
                                        config.lora.lora_bias, count(Role::lora_bias), wanted));
  if ((config.kind == PeftConfig::Kind::ia3) != (count(Role::ia3) > 0))
    return Error::bad_input("the vectors of IA3 and peft_type contradict each other");
  for (const std::string& name : config.lora.modules_to_save) {
    const bool there = std::any_of(others.begin(), others.end(),
                                   [&](const PeftTensor& t) { return has_part(t.module, name); });
    if (!there)
      return Error::bad_input(
          fmt::format("modules_to_save has {}, but no tensor belongs to it", in_quotes(name)));
  }
  return {};
}

// PEFT makes the name of a router's parameter of "gate" where transformers has routers that are no
// linear modules, and then finds no module of that name; nor is there one anywhere.
constexpr std::string_view kRouterParameter = "weight";

// Whether a target can be there for no module, since others are excluded or saved whole.
bool may_be_left_out(const LoraConfig& lora, const std::string& target) {
  if (target == kRouterParameter) return true;
  const auto overlaps = [&](const std::string& other) {
    const bool plain = is_dotted_end(target, other) || is_dotted_end(other, target);
    return plain || other.find_first_of("*+?[(|\\") != std::string::npos;
  };
  return std::any_of(lora.exclude_modules.begin(), lora.exclude_modules.end(), overlaps) ||
         std::any_of(lora.modules_to_save.begin(), lora.modules_to_save.end(), overlaps);
}

// Every pair fits the config, and every target has at least one.
Status check_pairs(const PeftConfig& config, std::span<const LoraPair> pairs,
                   std::span<const PeftTensor> others = {}) {
  for (const LoraPair& pair : pairs)
    LATHE_CHECK(check_pair(config, pair).at("module " + in_quotes(pair.module)));
  for (const std::string& target : config.lora.target_modules) {
    LoraConfig one = config.lora;
    one.target_modules = {target};
    const auto targeted = [&](const auto& tensor) { return one.targets(tensor.module); };
    const bool used = std::any_of(pairs.begin(), pairs.end(), targeted) ||
                      std::any_of(others.begin(), others.end(), targeted);
    if (!used && !may_be_left_out(config.lora, target))
      return Error::bad_input(
          fmt::format("no tensors belong to target module {}", in_quotes(target)));
  }
  return {};
}

Result<std::vector<LoraPair>> read_pairs(const PeftConfig& config,
                                         std::span<const NamedTensor> tensors,
                                         std::vector<PeftTensor>& others) {
  std::map<std::string, LoraPair> pairs;
  for (const NamedTensor& t : tensors) {
    LATHE_CHECK(check_float(t));
    if (const auto module = module_of(t.name, kEndA)) {
      pairs[*module].a = t.view;
    } else if (const auto other = module_of(t.name, kEndB)) {
      pairs[*other].b = t.view;
    } else {
      LATHE_TRY(PeftTensor tensor, other_tensor(t));
      others.push_back(std::move(tensor));
    }
  }
  std::vector<LoraPair> out;
  for (auto& [module, pair] : pairs) {
    for (const auto& [half, view] : {std::pair{"lora_A", &pair.a}, std::pair{"lora_B", &pair.b}}) {
      if (view->shape.empty())
        return Error::bad_input(fmt::format("{} of module {} is missing", half, in_quotes(module)));
    }
    pair.module = module;
    pair.scale = config.lora.scale_of(module);
    out.push_back(std::move(pair));
  }
  LATHE_CHECK(check_pairs(config, out, others));
  LATHE_CHECK(check_others(config, out, others));
  return out;
}

Status check_prompt(const PeftConfig& config, const TensorView& view) {
  const bool prefix = config.kind == PeftConfig::Kind::prefix_tuning;
  const tensor::Shape wanted{config.prompt.virtual_tokens,
                             config.prompt.width * (prefix ? 2 * config.prompt.layers : 1)};
  if (view.shape != wanted)
    return Error::bad_input(fmt::format("its shape is {}, the config says {}",
                                        tensor::to_string(view.shape), tensor::to_string(wanted)))
        .at(kPromptTensor);
  return check_float({kPromptTensor, view});
}

Result<TensorView> read_prompt(const PeftConfig& config, std::span<const NamedTensor> tensors) {
  for (const NamedTensor& t : tensors) {
    if (t.name != kPromptTensor)
      return Error::unsupported(
          fmt::format("tensor {} is not part of a soft prompt", in_quotes(t.name)));
  }
  if (tensors.empty()) return Error::bad_input(fmt::format("{} is missing", kPromptTensor));
  LATHE_CHECK(check_prompt(config, tensors.front().view));
  return tensors.front().view;
}

Result<SafetensorsFile> open_weights(const os::Path& folder) {
  auto file = SafetensorsFile::open(folder / kWeightsFile);
  std::error_code ignored;
  if (!file.ok() && file.error().kind == ErrorKind::not_found &&
      std::filesystem::exists(folder / "adapter_model.bin", ignored))
    return Error::unsupported("the weights are pickled (adapter_model.bin), which can run code")
        .at(folder.string())
        .fix_with("save the adapter again with safe_serialization=True");
  return file;
}

Status write_folder(const os::Path& folder, const PeftConfig& config,
                    std::span<const NamedTensor> tensors) {
  std::error_code ignored;
  if (std::filesystem::exists(folder / kConfigFile, ignored))
    return Error::already_exists("the folder holds an adapter already")
        .at(folder.string())
        .fix_with("choose another folder, or remove this one");
  const std::string text = to_json(config);
  LATHE_CHECK(peft_config_from_json(text).at(folder.string()));  // what is written can be read
  LATHE_CHECK(os::make_directories(folder));
  LATHE_CHECK(write_safetensors(folder / kWeightsFile, tensors, {{"format", "pt"}}));
  return os::write_file_atomically(folder / kConfigFile, text);
}

}  // namespace

Result<PeftAdapter> PeftAdapter::open(const os::Path& folder) {
  PeftAdapter adapter;
  LATHE_TRY(const std::string text, os::read_file(folder / kConfigFile, kMaxConfigBytes));
  LATHE_TRY(adapter.config_, peft_config_from_json(text).at(folder.string()));
  LATHE_TRY(adapter.file_, open_weights(folder));
  const auto place = (folder / kWeightsFile).string();
  if (adapter.config_.kind == PeftConfig::Kind::lora ||
      adapter.config_.kind == PeftConfig::Kind::ia3) {
    LATHE_TRY(adapter.pairs_,
              read_pairs(adapter.config_, adapter.file_.tensors(), adapter.others_).at(place));
  } else {
    LATHE_TRY(adapter.prompt_, read_prompt(adapter.config_, adapter.file_.tensors()).at(place));
  }
  return adapter;
}

Status write_lora_adapter(const os::Path& folder, const PeftConfig& config,
                          std::span<const LoraPair> pairs) {
  LATHE_ASSERT(config.kind == PeftConfig::Kind::lora);
  LATHE_CHECK(check_pairs(config, pairs).at(folder.string()));
  std::vector<NamedTensor> tensors;
  for (const LoraPair& pair : pairs) {
    tensors.push_back({fmt::format("{}{}{}", kPrefix, pair.module, kEndA), pair.a});
    tensors.push_back({fmt::format("{}{}{}", kPrefix, pair.module, kEndB), pair.b});
  }
  for (const NamedTensor& t : tensors) LATHE_CHECK(check_float(t).at(folder.string()));
  return write_folder(folder, config, tensors);
}

Status write_prompt_adapter(const os::Path& folder, const PeftConfig& config,
                            const TensorView& embeddings) {
  LATHE_ASSERT(config.kind == PeftConfig::Kind::prompt_tuning ||
               config.kind == PeftConfig::Kind::p_tuning);
  LATHE_CHECK(check_prompt(config, embeddings).at(folder.string()));
  const std::array<NamedTensor, 1> tensors{{{kPromptTensor, embeddings}}};
  return write_folder(folder, config, tensors);
}

}  // namespace lathe::formats
