// ModelSource over a GGUF file.
#include <fmt/format.h>

#include <mutex>

#include "formats/foreign_text.h"
#include "formats/ggml_types.h"
#include "formats/gguf_names.h"
#include "formats/model_source_impl.h"
#include "formats/weight_check.h"

namespace lathe::formats {
namespace {

constexpr const char* kRopeFactors = "rope_freqs.weight";
constexpr const char* kLongFactors = "rope_factors_long.weight";
constexpr const char* kShortFactors = "rope_factors_short.weight";
constexpr const char* kOutput = "output.weight";

bool is_rope_tensor(std::string_view name) {
  return name == kRopeFactors || name == kLongFactors || name == kShortFactors;
}

// Goes before names that have no canonical form, so that no file's name can pass for one.
constexpr std::string_view kForeign = "foreign ";

class GgufModel final : public ModelSource::Impl {
 public:
  using Impl::Impl;

  Status open() {
    LATHE_TRY(file_, GgufFile::open(path()));
    LATHE_CHECK(read_model().at(path().string()));
    return {};
  }

  ModelSource::Kind kind() const override { return ModelSource::Kind::gguf; }
  const GgufFile* gguf() const override { return &file_; }

  Result<tensor::TensorView> tensor(std::string_view name) const override {
    const GgufPlace& place = names_->place_of(name);
    LATHE_TRY(tensor::TensorView view, file_.tensor(place.name));
    if (place.expert >= 0) view = slice_of(view, place.expert);
    if (has_norm_offset(config(), name)) return without_offset(name, view);
    if (has_interleaved_rows(config(), name)) view.bytes = split_rows(name, view);
    return view;
  }

  Result<std::optional<std::string>> tokenizer_json() const override {
    return text("tokenizer.huggingface.json");
  }
  Result<std::optional<std::string>> chat_template() const override {
    return text("tokenizer.chat_template");
  }
  Result<std::optional<std::string>> tokenizer_config_json() const override {
    return std::optional<std::string>();
  }
  Result<std::optional<std::string>> generation_config_json() const override {
    return std::optional<std::string>();
  }

 private:
  Status read_model() {
    if (file_.tensors().empty())
      return Error::bad_input("the file has no tensors: it is a vocabulary without a model")
          .fix_with("give the .gguf file that has the weights");
    const auto has = [this](const char* name) { return file_.find(name) != nullptr; };
    GgufTensorFacts facts{.has_output = has(kOutput),
                          .rope_factors = {},
                          .long_rope_factors = {},
                          .short_rope_factors = {},
                          .has_qkv_bias = has("blk.0.attn_q.bias"),
                          .has_output_bias = has("blk.0.attn_output.bias"),
                          .has_mlp_bias = has("blk.0.ffn_up.bias"),
                          .has_qk_norm = has("blk.0.attn_q_norm.weight")};
    LATHE_TRY(facts.rope_factors, factors(kRopeFactors));
    LATHE_TRY(facts.long_rope_factors, factors(kLongFactors));
    LATHE_TRY(facts.short_rope_factors, factors(kShortFactors));
    LATHE_TRY(DecoderConfig config, decoder_config_from_gguf(file_.metadata(), facts));
    names_.emplace(config);
    LATHE_CHECK(check_weights(config, weight_table(), [this](const std::string& in_table) {
      return stored_name(in_table);
    }));
    set_config(std::move(config));
    return {};
  }

  // Empty when the file has no such tensor.
  Result<std::vector<float>> factors(const char* name) const {
    if (file_.find(name) == nullptr) return std::vector<float>();
    LATHE_TRY(const tensor::TensorView view, file_.tensor(name));
    return tensor::to_f32(view).at(name);
  }

  std::string stored_name(const std::string& in_table) const {
    if (in_table.starts_with(kForeign)) return in_table.substr(kForeign.size());
    return names_->place_of(in_table).name;
  }

  WeightTable weight_table() const {
    WeightTable table;
    for (const GgufTensorInfo& info : file_.tensors()) {
      if (is_rope_tensor(info.name)) continue;
      const GgmlType* type = find_ggml_type(info.type);
      const WeightInfo whole = {type == nullptr ? std::nullopt : type->dtype, info.shape,
                                ggml_type_name(info.type)};
      const auto names = names_->canonical_names(info.name);
      if (names.empty()) table[std::string(kForeign) + info.name] = whole;
      for (const std::string& name : names) table[name] = part_of(whole, name, names.size());
    }
    return table;
  }

  // Of a tensor of all experts, what one of them has; as it is when the counts do not agree, so
  // that the shape's error shows the file's.
  WeightInfo part_of(WeightInfo whole, const std::string& name, std::size_t experts) const {
    const bool of_experts = names_->place_of(name).expert >= 0 && whole.shape.size() == 3 &&
                            whole.shape[0] == static_cast<std::int64_t>(experts);
    if (of_experts) whole.shape.erase(whole.shape.begin());
    return whole;
  }

  static tensor::TensorView slice_of(tensor::TensorView all, std::int64_t index) {
    const std::size_t size = all.bytes.size() / static_cast<std::size_t>(all.shape[0]);
    all.bytes = all.bytes.subspan(static_cast<std::size_t>(index) * size, size);
    all.shape.erase(all.shape.begin());
    return all;
  }

  // A norm's weights as the family's folders have them; made once and kept.
  Result<tensor::TensorView> without_offset(std::string_view name,
                                            const tensor::TensorView& stored) const {
    LATHE_TRY(std::vector<float> values, tensor::to_f32(stored));
    for (float& value : values) value -= static_cast<float>(config().norm_offset);
    const std::lock_guard lock(mutex_);
    const auto kept = shifted_.try_emplace(std::string(name), std::move(values)).first;
    return tensor::view_of(kept->second, stored.shape);
  }

  // The rows in Hugging Face's order; made once and kept.
  std::span<const std::byte> split_rows(std::string_view name,
                                        const tensor::TensorView& stored) const {
    const std::lock_guard lock(mutex_);
    const auto kept = reordered_.find(name);
    if (kept != reordered_.end()) return kept->second;
    return reordered_.emplace(name, to_split_rows(stored, config().head_dim)).first->second;
  }

  Result<std::optional<std::string>> text(const char* key) const {
    LATHE_TRY(const auto value, file_.metadata().find_string(key).at(path().string()));
    return value ? std::optional(std::string(*value)) : std::nullopt;
  }

  GgufFile file_;
  std::optional<GgufNames> names_;  // once the config is known
  mutable std::mutex mutex_;
  mutable std::map<std::string, std::vector<std::byte>, std::less<>> reordered_;
  mutable std::map<std::string, std::vector<float>, std::less<>> shifted_;
};

}  // namespace

Result<std::unique_ptr<ModelSource::Impl>> open_gguf_model(const os::Path& file) {
  auto impl = std::make_unique<GgufModel>(file);
  LATHE_CHECK(impl->open());
  return std::unique_ptr<ModelSource::Impl>(std::move(impl));
}

}  // namespace lathe::formats
