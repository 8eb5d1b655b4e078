// Where llama.cpp does otherwise than the authors of a model: GGUF's keys can say more than the
// code of each of its architectures reads. Source: llama.cpp's src/models, as of 2026.
#include <fmt/format.h>

#include <algorithm>

#include "formats/decoder_config.h"
#include "formats/families/family.h"
#include "formats/families/gemma.h"

namespace lathe::formats {
namespace {

void windows(const DecoderConfig& c, std::vector<std::string>& out) {
  if (c.windows.empty()) return;
  const bool read = c.family == kGemma2.name || c.family == kGemma3.name;
  const std::int64_t size = *std::max_element(c.windows.begin(), c.windows.end());
  if (!read)
    out.push_back(fmt::format(
        "it has no sliding window for {}: from position {} on it computes something else", c.family,
        size));
  if (read && !window_period(c.windows))
    out.push_back("it takes a window in all but every n-th layer; here the layers are others");
}

void experts(const DecoderConfig& c, std::vector<std::string>& out) {
  if (c.experts.count == 0) return;
  if (!c.experts.normalised) out.push_back("it divides the experts' weights by their sum");
  if (!c.experts.dense_layers.empty())
    out.push_back("it expects experts in every layer and refuses the file");
}

void falcon(const DecoderConfig& c, std::vector<std::string>& out) {
  if (c.family != kFalcon.name) return;
  if (c.positions == PositionKind::alibi || !c.parallel_residual || c.mlp_bias)
    out.push_back("it knows Falcon without biases and ALiBi only, and refuses the file");
}

void gpt_neox(const DecoderConfig& c, std::vector<std::string>& out) {
  if (c.family == kGptNeox.name && !c.qkv_bias)
    out.push_back("it expects GPT-NeoX with biases and refuses the file");
}

void gemma(const DecoderConfig& c, std::vector<std::string>& out) {
  if (c.family != kGemma2.name && c.family != kGemma3.name) return;
  if (static_cast<float>(c.query_scale) != static_cast<float>(gemma_gguf_scale(c)))
    out.push_back(fmt::format("it multiplies scores by {}, the model by {}", gemma_gguf_scale(c),
                              c.query_scale));
  if (c.family == kGemma2.name && (c.attention_softcap == 0 || c.logit_softcap == 0))
    out.push_back("it divides by the soft caps, which are 0 here");
}

void rope(const DecoderConfig& c, std::vector<std::string>& out) {
  if (c.rope.scaling.kind == RopeScaling::Kind::dynamic)
    out.push_back(fmt::format(
        "it does not stretch rotary angles: for texts longer than {} it computes something else",
        c.max_positions));
  if (c.rope.scaling.kind == RopeScaling::Kind::longrope)
    out.push_back(
        "it chooses LongRoPE's factors by the size of its context, not by the length of the text");
}

}  // namespace

std::vector<std::string> llama_cpp_differences(const DecoderConfig& config) {
  std::vector<std::string> out;
  windows(config, out);
  experts(config, out);
  falcon(config, out);
  gpt_neox(config, out);
  gemma(config, out);
  rope(config, out);
  return out;
}

}  // namespace lathe::formats
