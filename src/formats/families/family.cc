#include "formats/families/family.h"

#include <fmt/format.h>

#include <algorithm>

#include "formats/config_bounds.h"
#include "formats/encoder_config.h"
#include "formats/foreign_text.h"

namespace lathe::formats {
namespace {

constexpr const DecoderFamily* kDecoderFamilies[] = {&kLlama,    &kMistral, &kQwen2,  &kQwen3,
                                                     &kQwen3Moe, &kMixtral, &kGemma2, &kGemma3,
                                                     &kPhi3,     &kFalcon,  &kGpt2,   &kGptNeox};

// LLaMA's names, which most families share.
constexpr PartName kUsualDecoderNames[] = {
    {Part::embedding, "model.embed_tokens"},
    {Part::attention_norm, "input_layernorm"},
    {Part::q, "self_attn.q_proj"},
    {Part::k, "self_attn.k_proj"},
    {Part::v, "self_attn.v_proj"},
    {Part::q_norm, "self_attn.q_norm"},
    {Part::k_norm, "self_attn.k_norm"},
    {Part::o, "self_attn.o_proj"},
    {Part::mlp_norm, "post_attention_layernorm"},
    {Part::gate, "mlp.gate_proj"},
    {Part::up, "mlp.up_proj"},
    {Part::down, "mlp.down_proj"},
    {Part::final_norm, "model.norm"},
    {Part::head, "lm_head"},
};

const PartName* find_in(std::span<const PartName> names, Part part) {
  for (const PartName& name : names) {
    if (name.part == part) return &name;
  }
  return nullptr;
}

Error unknown(std::string_view name, std::string_view DecoderFamily::*field) {
  if (is_encoder_type(name))
    return Error::unsupported(
               fmt::format("this is an encoder ({}): it makes embeddings and does not generate",
                           in_quotes(name)))
        .fix_with("use it with lathe embed");
  std::string known;
  for (const DecoderFamily* family : kDecoderFamilies)
    known += (known.empty() ? "" : ", ") + std::string(family->*field);
  return Error::unsupported(fmt::format("model family {} is not supported", in_quotes(name)))
      .fix_with("use a model of one of these: " + known);
}

}  // namespace

std::vector<std::string> decoder_family_names() {
  std::vector<std::string> names;
  for (const DecoderFamily* family : kDecoderFamilies) names.emplace_back(family->name);
  return names;
}

Result<const DecoderFamily*> find_decoder_family(std::string_view name) {
  for (const DecoderFamily* family : kDecoderFamilies) {
    if (family->name == name) return family;
  }
  return unknown(name, &DecoderFamily::name);
}

Result<const DecoderFamily*> find_family_of_type(std::string_view model_type) {
  for (const DecoderFamily* family : kDecoderFamilies) {
    const auto& others = family->other_types;
    if (std::find(others.begin(), others.end(), model_type) != others.end()) return family;
  }
  return find_decoder_family(model_type);
}

Result<const DecoderFamily*> find_gguf_family(std::string_view architecture,
                                              const GgufFields& fields) {
  const DecoderFamily* usual = nullptr;
  for (const DecoderFamily* family : kDecoderFamilies) {
    if (family->gguf != architecture) continue;
    if (family->is_gguf == nullptr) {
      usual = family;
    } else if (family->is_gguf(fields)) {
      return family;
    }
  }
  return usual != nullptr ? Result(usual) : unknown(architecture, &DecoderFamily::gguf);
}

const PartName* find_part_name(const DecoderFamily& family, Part part,
                               const DecoderConfig& config) {
  if (family.name_by_config != nullptr) {
    if (const PartName* name = family.name_by_config(part, config)) return name;
  }
  if (const PartName* name = find_in(family.names, part)) return name;
  return find_in(kUsualDecoderNames, part);
}

Status allow_only(const JsonFields& fields, const char* key, const nlohmann::json& harmless) {
  const nlohmann::json* value = fields.find(key);
  if (value == nullptr || *value == harmless) return {};
  return Error::unsupported(
      fmt::format("{} is {}, which is not supported", fields.name(key), JsonFields::show(*value)));
}

namespace {

// Which layers "layer_types" says slide; nothing when it is not there.
Result<std::optional<std::vector<bool>>> read_layer_types(const JsonFields& fields,
                                                          std::int64_t layers) {
  LATHE_TRY(const auto types, fields.find_strings("layer_types"));
  if (!types) return std::optional<std::vector<bool>>();
  if (static_cast<std::int64_t>(types->size()) != layers)
    return Error::bad_input(
        fmt::format("layer_types has {} entries, num_hidden_layers is {}", types->size(), layers));
  std::vector<bool> slides;
  for (const std::string& type : *types) {
    if (type != "full_attention" && type != "sliding_attention")
      return Error::unsupported(
          fmt::format("layer_types has {}, which is not supported", in_quotes(type)));
    slides.push_back(type == "sliding_attention");
  }
  return std::optional(std::move(slides));
}

std::vector<bool> slides_by_rule(const WindowRules& rules, std::int64_t layers) {
  std::vector<bool> slides;
  for (std::int64_t i = 0; i < layers; ++i)
    slides.push_back(i >= rules.first && (rules.every == 0 || (i + 1) % rules.every != 0));
  return slides;
}

}  // namespace

Status read_windows(const JsonFields& fields, const WindowRules& rules, DecoderConfig& c) {
  c.windows.clear();
  if (c.layers <= 0 || c.layers > kMaxLayers) return {};
  LATHE_TRY(const auto given, fields.find_int("sliding_window"));
  const auto window = fields.mentions("sliding_window") ? given : rules.absent;
  if (window && *window < 1)
    return Error::bad_input(fmt::format("sliding_window is {}, below 1", *window));
  LATHE_TRY(const auto types, read_layer_types(fields, c.layers));
  const std::vector<bool> none(static_cast<std::size_t>(c.layers), false);
  const std::vector<bool> usual = window ? slides_by_rule(rules, c.layers) : none;
  if (types && !rules.reads_layer_types && *types != usual)
    return Error::unsupported(
        "layer_types gives windows to other layers than models of this type do");
  const std::vector<bool>& slides = types ? *types : usual;
  if (slides == none) return {};
  if (!window) return Error::bad_input("layer_types has windows, but sliding_window is null");
  for (const bool one : slides) c.windows.push_back(one ? *window : 0);
  return {};
}

Status allow_no_windows(const JsonFields& fields) {
  LATHE_TRY(const auto types, fields.find_strings("layer_types"));
  for (const std::string& type : types.value_or(std::vector<std::string>())) {
    if (type != "full_attention")
      return Error::unsupported("layer_types has other layers than full_attention");
  }
  return {};
}

void write_windows(const DecoderConfig& config, nlohmann::json& out) {
  out["sliding_window"] = nlohmann::json();
  if (config.windows.empty()) return;
  nlohmann::json types = nlohmann::json::array();
  for (const std::int64_t window : config.windows) {
    types.push_back(window > 0 ? "sliding_attention" : "full_attention");
    if (window > 0) out["sliding_window"] = window;
  }
  out["layer_types"] = std::move(types);
}

Result<Activation> activation_named(std::string_view name) {
  struct Named {
    std::string_view name;
    Activation activation;
  };
  // Many names of few functions (transformers, activations.py).
  constexpr Named kNamed[] = {
      {"silu", Activation::silu},
      {"swish", Activation::silu},
      {"gelu", Activation::gelu},
      {"gelu_python", Activation::gelu},
      {"gelu_pytorch_tanh", Activation::gelu_tanh},
      {"gelu_new", Activation::gelu_tanh},
      {"gelu_fast", Activation::gelu_tanh},
      {"gelu_accurate", Activation::gelu_tanh},
      {"gelu_python_tanh", Activation::gelu_tanh},
      {"quick_gelu", Activation::gelu_quick},
      {"relu", Activation::relu},
      {"relu2", Activation::relu_squared},
      {"tanh", Activation::tanh},
      {"sigmoid", Activation::sigmoid},
  };
  for (const Named& one : kNamed) {
    if (one.name == name) return one.activation;
  }
  return Error::unsupported(fmt::format("the activation {} is not supported", in_quotes(name)));
}

std::string_view name_of(Activation activation) {
  switch (activation) {
    case Activation::gelu:
      return "gelu";
    case Activation::gelu_tanh:
      return "gelu_pytorch_tanh";
    case Activation::gelu_quick:
      return "quick_gelu";
    case Activation::relu:
      return "relu";
    case Activation::relu_squared:
      return "relu2";
    case Activation::tanh:
      return "tanh";
    case Activation::sigmoid:
      return "sigmoid";
    default:
      return "silu";
  }
}

}  // namespace lathe::formats
