#include "formats/gguf_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "formats/families/family.h"

namespace lathe::formats {
namespace {

struct Pair {
  std::string_view canonical;
  std::string_view gguf;
};

constexpr std::array<Pair, 3> kGlobal{{{"model.embed_tokens.weight", "token_embd.weight"},
                                       {"model.norm.weight", "output_norm.weight"},
                                       {"lm_head.weight", "output.weight"}}};

// Modules of a layer; their parameters are ".weight" and ".bias" in both.
constexpr std::array<Pair, 11> kInLayer{{{"input_layernorm", "attn_norm"},
                                         {"self_attn.q_proj", "attn_q"},
                                         {"self_attn.k_proj", "attn_k"},
                                         {"self_attn.v_proj", "attn_v"},
                                         {"self_attn.q_norm", "attn_q_norm"},
                                         {"self_attn.k_norm", "attn_k_norm"},
                                         {"self_attn.o_proj", "attn_output"},
                                         {"post_attention_layernorm", "ffn_norm"},
                                         {"mlp.gate_proj", "ffn_gate"},
                                         {"mlp.up_proj", "ffn_up"},
                                         {"mlp.down_proj", "ffn_down"}}};

constexpr std::string_view kCanonicalLayers = "model.layers.";
constexpr std::string_view kGgufLayers = "blk.";

// "<prefix><layer>.<rest>" into layer and rest; the layer is a plain number without leading zeros.
std::optional<Pair> split_layer(std::string_view name, std::string_view prefix) {
  if (!name.starts_with(prefix)) return std::nullopt;
  name.remove_prefix(prefix.size());
  const std::size_t dot = name.find('.');
  if (dot == std::string_view::npos || dot == 0 || dot > 6) return std::nullopt;
  const std::string_view layer = name.substr(0, dot);
  const bool digits =
      std::all_of(layer.begin(), layer.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!digits || (layer.size() > 1 && layer[0] == '0')) return std::nullopt;
  return Pair{layer, name.substr(dot + 1)};
}

std::optional<std::string> translate(std::string_view name, std::string_view Pair::*from,
                                     std::string_view Pair::*to, std::string_view from_layers,
                                     std::string_view to_layers) {
  for (const Pair& pair : kGlobal) {
    if (pair.*from == name) return std::string(pair.*to);
  }
  const auto split = split_layer(name, from_layers);
  if (!split) return std::nullopt;
  const auto [layer, rest] = *split;
  for (const std::string_view parameter : {".weight", ".bias"}) {
    if (!rest.ends_with(parameter)) continue;
    const std::string_view module = rest.substr(0, rest.size() - parameter.size());
    for (const Pair& pair : kInLayer) {
      if (pair.*from == module)
        return fmt::format("{}{}.{}{}", to_layers, layer, pair.*to, parameter);
    }
  }
  return std::nullopt;
}

// The row of Hugging Face's order that stands in row `row` of llama.cpp's.
std::size_t split_row(std::size_t row, std::size_t head_dim) {
  const std::size_t head = row / head_dim;
  const std::size_t within = row % head_dim;
  return head * head_dim + within % 2 * (head_dim / 2) + within / 2;
}

std::size_t row_bytes(const tensor::TensorView& matrix) {
  const auto rows = static_cast<std::size_t>(matrix.shape[0]);
  return rows == 0 ? 0 : matrix.bytes.size() / rows;
}

}  // namespace

std::optional<std::string> canonical_name(std::string_view gguf_name) {
  return translate(gguf_name, &Pair::gguf, &Pair::canonical, kGgufLayers, kCanonicalLayers);
}

std::optional<std::string> gguf_name(std::string_view canonical_name) {
  return translate(canonical_name, &Pair::canonical, &Pair::gguf, kCanonicalLayers, kGgufLayers);
}

bool has_interleaved_rows(const DecoderConfig& config, std::string_view canonical_name) {
  const auto family = find_decoder_family(config.family);
  if (!family.ok() || !(*family)->gguf_interleaves) return false;
  for (const char* module : {"self_attn.q_proj", "self_attn.k_proj"}) {
    for (const char* parameter : {".weight", ".bias"}) {
      if (canonical_name.ends_with(std::string(module) + parameter)) return true;
    }
  }
  return false;
}

std::vector<std::byte> to_split_rows(const tensor::TensorView& matrix, std::int64_t head_dim) {
  LATHE_ASSERT(!matrix.shape.empty() && matrix.shape[0] % head_dim == 0);
  const std::size_t size = row_bytes(matrix);
  std::vector<std::byte> out(matrix.bytes.size());
  for (std::size_t row = 0; row < static_cast<std::size_t>(matrix.shape[0]); ++row) {
    const std::size_t to = split_row(row, static_cast<std::size_t>(head_dim));
    std::memcpy(out.data() + to * size, matrix.bytes.data() + row * size, size);
  }
  return out;
}

Status write_interleaved_rows(const tensor::TensorView& matrix, std::int64_t head_dim,
                              os::FileWriter& out) {
  LATHE_ASSERT(!matrix.shape.empty() && matrix.shape[0] % head_dim == 0);
  const std::size_t size = row_bytes(matrix);
  for (std::size_t row = 0; row < static_cast<std::size_t>(matrix.shape[0]); ++row) {
    const std::size_t from = split_row(row, static_cast<std::size_t>(head_dim));
    LATHE_CHECK(out.write(matrix.bytes.subspan(from * size, size)));
  }
  return {};
}

}  // namespace lathe::formats
