// ModelSource over a GGUF file.
#include <fmt/format.h>

#include <cstring>
#include <mutex>

#include "formats/foreign_text.h"
#include "formats/ggml_types.h"
#include "formats/gguf_names.h"
#include "formats/gguf_parts.h"
#include "formats/gguf_rope.h"
#include "formats/model_source_impl.h"
#include "formats/weight_check.h"

namespace lathe::formats {
namespace {

constexpr const char* kOutput = "output.weight";
constexpr const char* kEmbedding = "token_embd.weight";
constexpr const char* kOneExpert = "blk.0.ffn_gate.0.weight";  // of a file before ffn_gate_exps

bool is_rope_tensor(std::string_view name) {
  return name == kRopeFreqs || name == kLongFactors || name == kShortFactors;
}

// Goes before names that have no canonical form, so that no file's name can pass for one.
constexpr std::string_view kForeign = "foreign ";

class GgufModel final : public ModelSource::Impl {
 public:
  using Impl::Impl;

  Status open() {
    LATHE_TRY(GgufParts parts, GgufParts::open(path()));
    file_.emplace(std::move(parts));
    LATHE_CHECK(read_model().at(path().string()));
    return {};
  }

  ModelSource::Kind kind() const override { return ModelSource::Kind::gguf; }
  const GgufFile* gguf() const override { return &file_->first(); }

  Result<tensor::TensorView> tensor(std::string_view name) const override {
    const GgufPlace& place = names_->place_of(name);
    LATHE_TRY(tensor::TensorView view, file_->tensor(place.name));
    if (place.expert >= 0) view = slice_of(view, place.expert);
    if (place.offset != 0) return without_offset(name, view, place.offset);
    if (place.order != RowOrder::as_in_folder) view.bytes = folder_rows(name, view, place.order);
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
    if (file_->first().tensors().empty() && file_->files().size() == 1)
      return Error::bad_input("the file has no tensors: it is a vocabulary without a model")
          .fix_with("give the .gguf file that has the weights");
    LATHE_CHECK(check_tied_copy());
    LATHE_TRY(const GgufTensorFacts facts, tensor_facts());
    LATHE_TRY(DecoderConfig config, decoder_config_from_gguf(file_->first().metadata(), facts));
    names_.emplace(config, file_->find(kOneExpert) != nullptr ? GgufNames::Experts::one_by_one
                                                              : GgufNames::Experts::together);
    LATHE_CHECK(check_weights(config, weight_table(), [this](const std::string& in_table) {
      return stored_name(in_table);
    }));
    set_config(std::move(config));
    return {};
  }

  // Some converters write tied embeddings a second time, as the head: one of them is enough.
  Status check_tied_copy() {
    const GgufTensorInfo* head = file_->find(kOutput);
    const GgufTensorInfo* embedding = file_->find(kEmbedding);
    if (head == nullptr || embedding == nullptr) return {};
    if (head->type != embedding->type || head->shape != embedding->shape) return {};
    LATHE_TRY(const tensor::TensorView a, file_->tensor(kOutput));
    LATHE_TRY(const tensor::TensorView b, file_->tensor(kEmbedding));
    tied_copy_ = std::memcmp(a.bytes.data(), b.bytes.data(), a.bytes.size()) == 0;
    return {};
  }

  // Whether the model is read as if it had no such tensor.
  bool is_left_out(std::string_view name) const {
    return is_rope_tensor(name) || (tied_copy_ && name == kOutput);
  }

  Result<GgufTensorFacts> tensor_facts() const {
    GgufTensorFacts facts;
    for (const GgufFile& file : file_->files()) {
      for (const GgufTensorInfo& info : file.tensors()) {
        if (!is_left_out(info.name)) facts.names.insert(info.name);
      }
    }
    LATHE_TRY(facts.rope_factors, factors(kRopeFreqs));
    LATHE_TRY(facts.long_rope_factors, factors(kLongFactors));
    LATHE_TRY(facts.short_rope_factors, factors(kShortFactors));
    return facts;
  }

  // Empty when the file has no such tensor.
  Result<std::vector<float>> factors(const char* name) const {
    if (file_->find(name) == nullptr) return std::vector<float>();
    LATHE_TRY(const tensor::TensorView view, file_->tensor(name));
    return tensor::to_f32(view).at(name);
  }

  std::string stored_name(const std::string& in_table) const {
    if (in_table.starts_with(kForeign)) return in_table.substr(kForeign.size());
    return names_->place_of(in_table).name;
  }

  WeightTable weight_table() const {
    WeightTable table;
    for (const GgufFile& file : file_->files()) {
      for (const GgufTensorInfo& info : file.tensors()) {
        if (!is_left_out(info.name)) add_to(table, info);
      }
    }
    return table;
  }

  void add_to(WeightTable& table, const GgufTensorInfo& info) const {
    const GgmlType* type = find_ggml_type(info.type);
    const WeightInfo whole = {type == nullptr ? std::nullopt : type->dtype, info.shape,
                              ggml_type_name(info.type)};
    const auto names = names_->canonical_names(info.name);
    if (names.empty()) table[std::string(kForeign) + info.name] = whole;
    for (const std::string& name : names) table[name] = part_of(whole, name, names.size());
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
  Result<tensor::TensorView> without_offset(std::string_view name, const tensor::TensorView& stored,
                                            float offset) const {
    LATHE_TRY(std::vector<float> values, tensor::to_f32(stored));
    for (float& value : values) value -= offset;
    const std::lock_guard lock(mutex_);
    const auto kept = shifted_.try_emplace(std::string(name), std::move(values)).first;
    return tensor::view_of(kept->second, stored.shape);
  }

  // The rows in Hugging Face's order; made once and kept.
  std::span<const std::byte> folder_rows(std::string_view name, const tensor::TensorView& stored,
                                         RowOrder order) const {
    const std::lock_guard lock(mutex_);
    const auto kept = reordered_.find(name);
    if (kept != reordered_.end()) return kept->second;
    return reordered_.emplace(name, to_folder_rows(stored, order, config())).first->second;
  }

  Result<std::optional<std::string>> text(const char* key) const {
    LATHE_TRY(const auto value, file_->first().metadata().find_string(key).at(path().string()));
    return value ? std::optional(std::string(*value)) : std::nullopt;
  }

  std::optional<GgufParts> file_;   // once it is open
  bool tied_copy_ = false;          // the head is the embeddings a second time
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
