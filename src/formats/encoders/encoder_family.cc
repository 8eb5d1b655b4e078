#include "formats/encoders/encoder_family.h"

#include <fmt/format.h>

#include "formats/foreign_text.h"

namespace lathe::formats {
namespace {

constexpr const EncoderFamily* kEncoderFamilies[] = {&kBert, &kRoberta, &kXlmRoberta, &kCamembert,
                                                     &kDistilbert};

// BERT's names, and llama.cpp's for them (gguf-py's constants.py).
constexpr EncoderPartName kUsualEncoderNames[] = {
    {EncoderPart::token_embedding, "embeddings.word_embeddings", "token_embd"},
    {EncoderPart::position_embedding, "embeddings.position_embeddings", "position_embd"},
    {EncoderPart::type_embedding, "embeddings.token_type_embeddings", "token_types"},
    {EncoderPart::embedding_norm, "embeddings.LayerNorm", "token_embd_norm"},
    {EncoderPart::q, "attention.self.query", "attn_q"},
    {EncoderPart::k, "attention.self.key", "attn_k"},
    {EncoderPart::v, "attention.self.value", "attn_v"},
    {EncoderPart::o, "attention.output.dense", "attn_output"},
    {EncoderPart::attention_norm, "attention.output.LayerNorm", "attn_output_norm"},
    {EncoderPart::up, "intermediate.dense", "ffn_up"},
    {EncoderPart::down, "output.dense", "ffn_down"},
    {EncoderPart::mlp_norm, "output.LayerNorm", "layer_output_norm"},
};

const EncoderPartName* find_in(std::span<const EncoderPartName> names, EncoderPart part) {
  for (const EncoderPartName& name : names) {
    if (name.part == part) return &name;
  }
  return nullptr;
}

}  // namespace

std::vector<std::string> encoder_family_names() {
  std::vector<std::string> names;
  for (const EncoderFamily* family : kEncoderFamilies) names.emplace_back(family->name);
  return names;
}

bool is_encoder_type(std::string_view model_type) { return find_encoder_family(model_type).ok(); }

Result<const EncoderFamily*> find_encoder_family(std::string_view name) {
  std::string known;
  for (const EncoderFamily* family : kEncoderFamilies) {
    if (family->name == name) return family;
    known += (known.empty() ? "" : ", ") + std::string(family->name);
  }
  return Error::unsupported(fmt::format("{} is no family of encoders here", in_quotes(name)))
      .fix_with("use an encoder of one of these: " + known);
}

const EncoderPartName& part_name(const EncoderFamily& family, EncoderPart part) {
  const EncoderPartName* name = find_in(family.names, part);
  if (name == nullptr) name = find_in(kUsualEncoderNames, part);
  LATHE_ASSERT(name != nullptr);
  return *name;
}

}  // namespace lathe::formats
