#include "formats/gguf_names.h"

#include <fmt/format.h>

#include <cstring>

#include "formats/families/family.h"

namespace lathe::formats {
namespace {

struct UsualName {
  Part part;
  std::string_view name;
};

// llama.cpp's names, gguf-py's constants.py; a family's own stand in its file.
constexpr UsualName kUsualNames[] = {
    {Part::embedding, "token_embd"},
    {Part::position_embedding, "position_embd"},
    {Part::attention_norm, "attn_norm"},
    {Part::q, "attn_q"},
    {Part::k, "attn_k"},
    {Part::v, "attn_v"},
    {Part::qkv, "attn_qkv"},
    {Part::q_norm, "attn_q_norm"},
    {Part::k_norm, "attn_k_norm"},
    {Part::o, "attn_output"},
    {Part::post_attention_norm, "post_attention_norm"},
    {Part::mlp_norm, "ffn_norm"},
    {Part::gate, "ffn_gate"},
    {Part::up, "ffn_up"},
    {Part::gate_up, "ffn_up"},
    {Part::down, "ffn_down"},
    {Part::post_mlp_norm, "post_ffw_norm"},
    {Part::router, "ffn_gate_inp"},
    {Part::expert_gate, "ffn_gate_exps"},
    {Part::expert_up, "ffn_up_exps"},
    {Part::expert_down, "ffn_down_exps"},
    {Part::final_norm, "output_norm"},
    {Part::head, "output"},
};

std::string_view module_name(Part part, const DecoderConfig& config) {
  const auto family = find_decoder_family(config.family);
  LATHE_ASSERT(family.ok());
  const PartName* own = find_part_name(**family, part, config);
  if (own != nullptr && !own->gguf.empty()) return own->gguf;
  for (const UsualName& usual : kUsualNames) {
    if (usual.part == part) return usual.name;
  }
  LATHE_ASSERT(!"every part has a name");
  return {};
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

GgufNames::GgufNames(const DecoderConfig& config) {
  for (const ExpectedTensor& tensor : expected_tensors(config)) {
    std::string name = tensor.layer < 0 ? std::string() : fmt::format("blk.{}.", tensor.layer);
    name += module_name(tensor.part, config);
    name += tensor.bias ? ".bias" : ".weight";
    canonical_[name].push_back(tensor.name);
    places_.emplace(tensor.name, GgufPlace{std::move(name), tensor.expert});
  }
}

const GgufPlace& GgufNames::place_of(std::string_view canonical_name) const {
  const auto found = places_.find(canonical_name);
  LATHE_ASSERT(found != places_.end());
  return found->second;
}

std::span<const std::string> GgufNames::canonical_names(std::string_view gguf_name) const {
  const auto found = canonical_.find(gguf_name);
  return found != canonical_.end() ? std::span<const std::string>(found->second)
                                   : std::span<const std::string>();
}

bool has_norm_offset(const DecoderConfig& config, std::string_view canonical_name) {
  return config.norm_offset != 0 && canonical_name.ends_with("norm.weight");
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
