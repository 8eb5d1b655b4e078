#include "formats/families/family.h"

#include <fmt/format.h>

#include "formats/foreign_text.h"

namespace lathe::formats {
namespace {

constexpr const DecoderFamily* kFamilies[] = {&kLlama,    &kMistral, &kQwen2,  &kQwen3,
                                              &kQwen3Moe, &kMixtral, &kGemma2, &kGemma3,
                                              &kPhi3,     &kFalcon,  &kGpt2,   &kGptNeox};

// LLaMA's names, which most families share.
constexpr PartName kUsualNames[] = {
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
  std::string known;
  for (const DecoderFamily* family : kFamilies)
    known += (known.empty() ? "" : ", ") + std::string(family->*field);
  return Error::unsupported(fmt::format("model family {} is not supported", in_quotes(name)))
      .fix_with("use a model of one of these: " + known);
}

}  // namespace

std::vector<std::string> decoder_family_names() {
  std::vector<std::string> names;
  for (const DecoderFamily* family : kFamilies) names.emplace_back(family->name);
  return names;
}

Result<const DecoderFamily*> find_decoder_family(std::string_view name) {
  for (const DecoderFamily* family : kFamilies) {
    if (family->name == name) return family;
  }
  return unknown(name, &DecoderFamily::name);
}

Result<const DecoderFamily*> find_gguf_family(std::string_view architecture,
                                              const GgufFields& fields) {
  const DecoderFamily* usual = nullptr;
  for (const DecoderFamily* family : kFamilies) {
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
  return find_in(kUsualNames, part);
}

Status allow_only(const JsonFields& fields, const char* key, const nlohmann::json& harmless) {
  const nlohmann::json* value = fields.find(key);
  if (value == nullptr || *value == harmless) return {};
  return Error::unsupported(
      fmt::format("{} is {}, which is not supported", fields.name(key), JsonFields::show(*value)));
}

Status read_windows(const JsonFields& fields, std::int64_t first, DecoderConfig& c) {
  LATHE_TRY(const auto types, fields.find_strings("layer_types"));
  if (types && static_cast<std::int64_t>(types->size()) != c.layers)
    return Error::bad_input(fmt::format("layer_types has {} entries, num_hidden_layers is {}",
                                        types->size(), c.layers));
  for (const std::string& type : types.value_or(std::vector<std::string>())) {
    if (type != "full_attention" && type != "sliding_attention")
      return Error::unsupported(
          fmt::format("layer_types has {}, which is not supported", in_quotes(type)));
  }
  LATHE_TRY(const auto window, fields.find_int("sliding_window"));
  if (!window || c.layers <= 0 || c.layers > 1024) return {};  // check() refuses such layers
  std::vector<std::int64_t> windows;
  bool any = false;
  for (std::int64_t layer = 0; layer < c.layers; ++layer) {
    const bool slides =
        types ? (*types)[static_cast<std::size_t>(layer)] == "sliding_attention" : layer >= first;
    windows.push_back(slides ? *window : 0);
    any = any || slides;
  }
  if (any) c.windows = std::move(windows);
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
  // "silu" and "swish" are two names of one function; so are the last three.
  if (name == "silu" || name == "swish") return Activation::silu;
  if (name == "gelu") return Activation::gelu;
  if (name == "gelu_new" || name == "gelu_pytorch_tanh" || name == "gelu_fast")
    return Activation::gelu_tanh;
  return Error::unsupported(fmt::format("the activation {} is not supported", in_quotes(name)));
}

std::string_view name_of(Activation activation) {
  switch (activation) {
    case Activation::gelu:
      return "gelu";
    case Activation::gelu_tanh:
      return "gelu_pytorch_tanh";
    default:
      return "silu";
  }
}

}  // namespace lathe::formats
