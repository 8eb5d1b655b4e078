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
constexpr UsualName kUsualGgufNames[] = {
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

std::string_view usual_or_own_name(Part part, const DecoderConfig& config) {
  const auto family = find_decoder_family(config.family);
  LATHE_ASSERT(family.ok());
  const PartName* own = find_part_name(**family, part, config);
  if (own != nullptr && !own->gguf.empty()) return own->gguf;
  for (const UsualName& usual : kUsualGgufNames) {
    if (usual.part == part) return usual.name;
  }
  LATHE_ASSERT(!"every part has a name");
  return {};
}

std::string module_name(const ExpectedTensor& tensor, const DecoderConfig& config,
                        GgufNames::Experts experts) {
  const std::string_view usual = usual_or_own_name(tensor.part, config);
  if (tensor.expert < 0 || experts == GgufNames::Experts::together) return std::string(usual);
  constexpr std::string_view kTogether = "_exps";
  return fmt::format("{}.{}", usual.substr(0, usual.size() - kTogether.size()), tensor.expert);
}

// Heads one after the other, the halves of each interleaved.
std::vector<std::size_t> interleaved_rows(std::size_t rows, std::size_t head_dim) {
  std::vector<std::size_t> order;
  for (std::size_t row = 0; row < rows; ++row) {
    const std::size_t within = row % head_dim;
    order.push_back(row - within + within % 2 * (head_dim / 2) + within / 2);
  }
  return order;
}

// All queries, all keys, all values, out of groups of the three.
std::vector<std::size_t> sorted_rows(const DecoderConfig& c) {
  const auto groups = static_cast<std::size_t>(c.fused_qkv.groups);
  const auto queries = static_cast<std::size_t>(c.heads * c.head_dim) / groups;
  const auto keys = static_cast<std::size_t>(c.kv_heads * c.head_dim) / groups;
  const std::size_t stride = queries + 2 * keys;
  std::vector<std::size_t> order;
  const auto take = [&](std::size_t begin, std::size_t count) {
    for (std::size_t group = 0; group < groups; ++group) {
      for (std::size_t i = 0; i < count; ++i) order.push_back(group * stride + begin + i);
    }
  };
  take(0, queries);
  take(queries, keys);
  take(queries + keys, keys);
  return order;
}

RowOrder row_order(const ExpectedTensor& t, const DecoderConfig& c, bool interleaves) {
  if (interleaves && (t.part == Part::q || t.part == Part::k)) return RowOrder::interleaved;
  if (t.part == Part::qkv && c.fused_qkv.groups > 1) return RowOrder::sorted;
  return RowOrder::as_in_folder;
}

// [i]: the row of the folder's matrix that is row i in GGUF.
std::vector<std::size_t> rows_in_order(RowOrder order, const tensor::TensorView& matrix,
                                       const DecoderConfig& c) {
  LATHE_ASSERT(!matrix.shape.empty());
  const auto rows = static_cast<std::size_t>(matrix.shape[0]);
  std::vector<std::size_t> all = order == RowOrder::interleaved
                                     ? interleaved_rows(rows, static_cast<std::size_t>(c.head_dim))
                                     : sorted_rows(c);
  LATHE_ASSERT(all.size() == rows);
  return all;
}

bool is_norm(const ExpectedTensor& tensor) {
  switch (tensor.part) {
    case Part::attention_norm:
    case Part::q_norm:
    case Part::k_norm:
    case Part::post_attention_norm:
    case Part::mlp_norm:
    case Part::post_mlp_norm:
    case Part::final_norm:
      return !tensor.bias;
    default:
      return false;
  }
}

std::size_t row_bytes(const tensor::TensorView& matrix) {
  const auto rows = static_cast<std::size_t>(matrix.shape[0]);
  return rows == 0 ? 0 : matrix.bytes.size() / rows;
}

}  // namespace

GgufNames::GgufNames(const DecoderConfig& config, Experts experts) {
  const auto family = find_decoder_family(config.family);
  LATHE_ASSERT(family.ok());
  for (const ExpectedTensor& tensor : expected_tensors(config)) {
    GgufPlace place;
    if (tensor.layer >= 0) place.name = fmt::format("blk.{}.", tensor.layer);
    place.name += module_name(tensor, config, experts);
    place.name += tensor.bias ? ".bias" : ".weight";
    if (experts == Experts::together) place.expert = tensor.expert;
    if (is_norm(tensor)) place.offset = static_cast<float>(config.norm_offset);
    place.order = row_order(tensor, config, (*family)->gguf_interleaves);
    canonical_[place.name].push_back(tensor.name);
    places_.emplace(tensor.name, std::move(place));
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

std::vector<std::byte> to_folder_rows(const tensor::TensorView& stored, RowOrder order,
                                      const DecoderConfig& config) {
  const std::vector<std::size_t> rows = rows_in_order(order, stored, config);
  const std::size_t size = row_bytes(stored);
  std::vector<std::byte> out(stored.bytes.size());
  for (std::size_t row = 0; row < rows.size(); ++row)
    std::memcpy(out.data() + rows[row] * size, stored.bytes.data() + row * size, size);
  return out;
}

Status write_rows(const tensor::TensorView& matrix, RowOrder order, const DecoderConfig& config,
                  os::FileWriter& out) {
  if (order == RowOrder::as_in_folder) return out.write(matrix.bytes);
  const std::size_t size = row_bytes(matrix);
  for (const std::size_t row : rows_in_order(order, matrix, config))
    LATHE_CHECK(out.write(matrix.bytes.subspan(row * size, size)));
  return {};
}

}  // namespace lathe::formats
