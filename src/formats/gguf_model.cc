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
constexpr const char* kOutput = "output.weight";
// Goes before names that have no canonical form, so that no file's name can pass for one.
constexpr std::string_view kForeign = "foreign ";

std::string table_name(const std::string& stored) {
  return canonical_name(stored).value_or(std::string(kForeign) + stored);
}

std::string stored_name(const std::string& in_table) {
  if (in_table.starts_with(kForeign)) return in_table.substr(kForeign.size());
  return gguf_name(in_table).value_or(in_table);
}

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
    const auto stored = gguf_name(name);
    LATHE_ASSERT(stored.has_value());
    LATHE_TRY(tensor::TensorView view, file_.tensor(*stored));
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
                          .has_qkv_bias = has("blk.0.attn_q.bias"),
                          .has_output_bias = has("blk.0.attn_output.bias"),
                          .has_mlp_bias = has("blk.0.ffn_up.bias"),
                          .has_qk_norm = has("blk.0.attn_q_norm.weight")};
    if (file_.find(kRopeFactors) != nullptr) {
      LATHE_TRY(const tensor::TensorView factors, file_.tensor(kRopeFactors));
      LATHE_TRY(facts.rope_factors, tensor::to_f32(factors).at(kRopeFactors));
    }
    LATHE_TRY(DecoderConfig config, decoder_config_from_gguf(file_.metadata(), facts));
    LATHE_CHECK(check_weights(config, weight_table(), stored_name));
    set_config(std::move(config));
    return {};
  }

  WeightTable weight_table() const {
    WeightTable table;
    for (const GgufTensorInfo& info : file_.tensors()) {
      if (info.name == kRopeFactors) continue;
      const GgmlType* type = find_ggml_type(info.type);
      table[table_name(info.name)] = {type == nullptr ? std::nullopt : type->dtype, info.shape,
                                      ggml_type_name(info.type)};
    }
    return table;
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
  mutable std::mutex mutex_;
  mutable std::map<std::string, std::vector<std::byte>, std::less<>> reordered_;
};

}  // namespace

Result<std::unique_ptr<ModelSource::Impl>> open_gguf_model(const os::Path& file) {
  auto impl = std::make_unique<GgufModel>(file);
  LATHE_CHECK(impl->open());
  return std::unique_ptr<ModelSource::Impl>(std::move(impl));
}

}  // namespace lathe::formats
