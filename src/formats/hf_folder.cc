// ModelSource over a Hugging Face folder.
#include <fmt/format.h>

#include <cstring>
#include <mutex>
#include <set>

#include "formats/config_bounds.h"
#include "formats/families/family.h"
#include "formats/foreign_text.h"
#include "formats/hf_texts.h"
#include "formats/hf_weights.h"
#include "formats/model_source_impl.h"
#include "formats/weight_check.h"

namespace lathe::formats {
namespace {

using tensor::TensorView;
using WeightMap = HfWeights::Map;

// Buffers that old checkpoints carry; transformers computes them anew from the config too.
bool is_buffer(std::string_view name) {
  for (const std::string_view end : {".inv_freq", ".attn.bias", ".attn.masked_bias",
                                     ".attention.bias", ".attention.masked_bias"}) {
    if (name.ends_with(end)) return true;
  }
  return false;
}

class HfFolder final : public ModelSource::Impl {
 public:
  using Impl::Impl;

  Status open() {
    LATHE_TRY(DecoderConfig config, read_config());
    LATHE_TRY(files_, HfWeights::open(path()));
    weights_ = files_.tensors();
    std::erase_if(weights_, [](const auto& entry) { return is_buffer(entry.first); });
    LATHE_TRY(const DecoderFamily* family, find_decoder_family(config.family));
    const std::string head(find_part_name(*family, Part::head, config)->name);
    add_base_prefix(*family, head + ".weight");
    const std::vector<ExpectedTensor> expected = expected_tensors(config);
    if (config.tied_embeddings)
      LATHE_CHECK(drop_tied_head(head + ".weight", expected.front().name).at(path().string()));
    note_transposed(expected);
    LATHE_CHECK(check_weights(config, weight_table()).at(path().string()));
    set_config(std::move(config));
    return {};
  }

  ModelSource::Kind kind() const override { return ModelSource::Kind::huggingface; }
  const GgufFile* gguf() const override { return nullptr; }

  Result<TensorView> tensor(std::string_view name) const override {
    const TensorView& stored = weights_.find(name)->second;
    if (!transposed_.contains(name)) return stored;
    const std::lock_guard lock(mutex_);
    const auto kept = turned_.find(name);
    if (kept != turned_.end()) return turned_view(stored, kept->second);
    LATHE_TRY(std::vector<std::byte> bytes, tensor::transposed(stored).at(std::string(name)));
    return turned_view(stored, turned_.emplace(name, std::move(bytes)).first->second);
  }

  Result<std::optional<std::string>> tokenizer_json() const override {
    return find_tokenizer_json(path());
  }
  Result<std::optional<std::string>> tokenizer_config_json() const override {
    return find_tokenizer_config_json(path());
  }
  Result<std::optional<std::string>> generation_config_json() const override {
    return find_generation_config_json(path());
  }
  Result<std::optional<std::string>> chat_template() const override {
    return find_chat_template(path());
  }

 private:
  Result<DecoderConfig> read_config() const {
    auto text = os::read_file(path() / "config.json", kMaxConfigBytes);
    if (!text.ok() && text.error().kind == ErrorKind::not_found) return no_config();
    if (!text.ok()) return std::move(text).error();
    LATHE_TRY(const auto generation, generation_config_json());
    return decoder_config_from_json(*text, generation.value_or("")).at(path().string());
  }

  Error no_config() const {
    if (os::exists(path() / "adapter_config.json"))
      return Error::bad_input("this is an adapter, not a model")
          .at(path().string())
          .fix_with("name the base model here and the adapter as an adaptation");
    return Error::not_found("there is no config.json")
        .at(path().string())
        .fix_with("give the folder of a Hugging Face model, or a .gguf file");
  }

  // The first files of some families, and those saved without the head, name their tensors without
  // what the whole model puts before.
  void add_base_prefix(const DecoderFamily& family, const std::string& head) {
    const std::string_view prefix = family.base_prefix;
    if (prefix.empty()) return;
    for (const auto& [name, view] : weights_) {
      if (name.starts_with(prefix)) return;
    }
    WeightMap named;
    for (const auto& [name, view] : weights_)
      named.emplace(name == head ? name : std::string(prefix) + name, view);
    weights_ = std::move(named);
  }

  void note_transposed(const std::vector<ExpectedTensor>& expected) {
    for (const ExpectedTensor& t : expected) {
      if (t.stored_transposed) transposed_.insert(t.name);
    }
  }

  static TensorView turned_view(const TensorView& stored, std::span<const std::byte> bytes) {
    return {stored.dtype, {stored.shape[1], stored.shape[0]}, bytes};
  }

  WeightTable weight_table() const {
    WeightTable table;
    for (const auto& [name, view] : weights_) {
      WeightInfo info = {view.dtype, view.shape, std::string(tensor::to_string(view.dtype))};
      if (transposed_.contains(name) && info.shape.size() == 2)
        std::swap(info.shape[0], info.shape[1]);
      table[name] = std::move(info);
    }
    return table;
  }

  // Some checkpoints store the tied head a second time; it must then be the same.
  Status drop_tied_head(const std::string& head_name, const std::string& embeddings_name) {
    const auto head = weights_.find(head_name);
    const auto embeddings = weights_.find(embeddings_name);
    if (head == weights_.end() || embeddings == weights_.end()) return {};
    const TensorView& a = head->second;
    const TensorView& b = embeddings->second;
    const bool same = a.dtype == b.dtype && a.shape == b.shape &&
                      std::memcmp(a.bytes.data(), b.bytes.data(), a.bytes.size()) == 0;
    if (!same)
      return Error::bad_input(
                 fmt::format("tie_word_embeddings is true, but {} differs from the embeddings",
                             head_name))
          .fix_with(fmt::format("set tie_word_embeddings to false, or remove {}", head_name));
    weights_.erase(head);
    return {};
  }

  HfWeights files_;
  WeightMap weights_;                              // into files_, by canonical name
  std::set<std::string, std::less<>> transposed_;  // those stored as [in, out]
  mutable std::mutex mutex_;
  mutable std::map<std::string, std::vector<std::byte>, std::less<>>
      turned_;  // made when asked for
};

}  // namespace

Result<std::unique_ptr<ModelSource::Impl>> open_hf_folder(const os::Path& folder) {
  auto impl = std::make_unique<HfFolder>(folder);
  LATHE_CHECK(impl->open());
  return std::unique_ptr<ModelSource::Impl>(std::move(impl));
}

}  // namespace lathe::formats
