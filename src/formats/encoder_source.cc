#include "formats/encoder_source.h"

#include <fmt/format.h>

#include <algorithm>

#include "formats/config_bounds.h"
#include "formats/encoders/encoder_family.h"
#include "formats/foreign_text.h"
#include "formats/ggml_types.h"
#include "formats/hf_texts.h"
#include "formats/weight_check.h"

namespace lathe::formats {
namespace {

constexpr std::string_view kGgufHead = "cls";

// Tensors of old checkpoints that count 0, 1, … or repeat 0; transformers makes them anew.
bool is_encoder_buffer(std::string_view name) {
  return name == "embeddings.position_ids" || name == "embeddings.token_type_ids";
}

// The name without the family's prefix, and with ".weight" and ".bias" for what the first
// checkpoints, which came from TensorFlow, call ".gamma" and ".beta".
std::string canonical_name(const EncoderFamily& family, std::string_view name) {
  if (name.starts_with(family.prefix)) name.remove_prefix(family.prefix.size());
  std::string out(name);
  const auto respell = [&out](std::string_view old, std::string_view today) {
    if (out.ends_with(old)) out.replace(out.size() - old.size(), old.size(), today);
  };
  respell(".gamma", ".weight");
  respell(".beta", ".bias");
  return out;
}

bool is_of_head(const EncoderFamily& family, std::string_view canonical) {
  return std::ranges::any_of(family.heads,
                             [&](std::string_view head) { return canonical.starts_with(head); });
}

std::vector<WantedWeight> wanted_weights(const std::vector<EncoderTensor>& tensors) {
  std::vector<WantedWeight> wanted;
  for (const EncoderTensor& tensor : tensors) wanted.push_back({tensor.name, tensor.shape});
  return wanted;
}

// A JSON that cannot be read, or an absent file, is no encoder's.
std::optional<std::string> model_type_of(const os::Path& folder) {
  const auto text = os::read_file(folder / "config.json", kMaxConfigBytes);
  if (!text.ok()) return std::nullopt;
  const auto object = parse_json_object(*text);
  if (!object.ok()) return std::nullopt;
  const auto type = JsonFields(*object).find_string("model_type");
  return type.ok() ? *type : std::nullopt;
}

}  // namespace

bool is_encoder(const os::Path& path) {
  std::error_code failed;
  if (std::filesystem::is_directory(path, failed)) {
    const auto type = model_type_of(path);
    return type && is_encoder_type(*type);
  }
  if (path.extension() != ".gguf") return false;
  const auto file = GgufFile::open(path);
  if (!file.ok()) return false;
  const auto architecture = file->metadata().find_string("general.architecture");
  return architecture.ok() && *architecture == "bert";
}

Result<EncoderSource> EncoderSource::open(const os::Path& path) {
  std::error_code failed;
  const auto status = std::filesystem::status(path, failed);
  if (status.type() == std::filesystem::file_type::not_found)
    return Error::not_found("there is no such file or folder").at(path.string());
  if (failed) return Error::io(failed.message()).at(path.string());
  EncoderSource source(path);
  LATHE_CHECK((std::filesystem::is_directory(status) ? source.open_folder() : source.open_gguf())
                  .at(path.string()));
  for (EncoderTensor& tensor : expected_tensors(source.config_))
    source.names_.push_back(std::move(tensor.name));
  std::ranges::sort(source.unused_);
  return source;
}

Status EncoderSource::open_folder() {
  LATHE_TRY(const std::string text, os::read_file(path_ / "config.json", kMaxConfigBytes));
  LATHE_TRY(config_, encoder_config_from_json(text));
  LATHE_TRY(const EncoderFamily* family, find_encoder_family(config_.family));
  LATHE_TRY(files_, HfWeights::open(path_));
  std::map<std::string, std::string> spelled;  // canonical name to the files'
  WeightTable table;
  for (const auto& [name, view] : files_.tensors()) {
    std::string canonical = canonical_name(*family, name);
    if (is_encoder_buffer(canonical)) continue;
    if (is_of_head(*family, canonical)) {
      unused_.push_back(name);
      continue;
    }
    const auto [twin, fresh] = spelled.emplace(canonical, name);
    if (!fresh)
      return Error::bad_input(
          fmt::format("{} and {} are the same weight", in_quotes(twin->second), in_quotes(name)));
    table[canonical] = {view.dtype, view.shape, std::string(tensor::to_string(view.dtype))};
    weights_.emplace(std::move(canonical), view);
  }
  LATHE_CHECK(
      check_weights(wanted_weights(expected_tensors(config_)), table, [&](const std::string& name) {
        const auto found = spelled.find(name);
        return found != spelled.end() ? found->second : name;
      }));
  LATHE_TRY(embedding_, embedding_config_of_folder(path_, config_));
  return {};
}

Status EncoderSource::open_gguf() {
  LATHE_TRY(GgufFile file, GgufFile::open(path_));
  gguf_ = std::make_unique<GgufFile>(std::move(file));
  const GgufTensorInfo* types = gguf_->find("token_types.weight");
  const std::int64_t token_types = types != nullptr && !types->shape.empty() ? types->shape[0] : 0;
  LATHE_TRY(config_, encoder_config_from_gguf(gguf_->metadata(), token_types));
  const std::vector<EncoderTensor> expected = expected_tensors(config_);
  std::map<std::string, std::string, std::less<>> canonical, spelled;
  for (const EncoderTensor& tensor : expected) {
    canonical.emplace(tensor.gguf_name, tensor.name);
    spelled.emplace(tensor.name, tensor.gguf_name);
  }
  WeightTable table;
  for (const GgufTensorInfo& info : gguf_->tensors()) {
    const auto known = canonical.find(info.name);
    if (known == canonical.end() && info.name.starts_with(kGgufHead)) {
      unused_.push_back(info.name);
      continue;
    }
    const GgmlType* type = find_ggml_type(info.type);
    // A space cannot stand in a canonical name, so that no file's name can pass for one.
    table[known != canonical.end() ? known->second : " " + info.name] = {
        type == nullptr ? std::nullopt : type->dtype, info.shape, ggml_type_name(info.type)};
  }
  LATHE_CHECK(check_weights(wanted_weights(expected), table, [&](const std::string& name) {
    const auto found = spelled.find(name);
    return found != spelled.end() ? found->second : name.substr(1);
  }));
  for (const EncoderTensor& tensor : expected) {
    LATHE_TRY(const tensor::TensorView view, gguf_->tensor(tensor.gguf_name));
    weights_.emplace(tensor.name, view);
  }
  LATHE_TRY(embedding_, embedding_config_of_gguf(gguf_->metadata(), config_));
  return {};
}

Result<tensor::TensorView> EncoderSource::tensor(std::string_view canonical_name) const {
  const auto found = weights_.find(canonical_name);
  if (found != weights_.end()) return found->second;
  return Error::not_found(fmt::format("there is no weight {}", in_quotes(canonical_name)))
      .at(path_.string());
}

Result<std::string> EncoderSource::tokenizer_json() const {
  std::optional<std::string> text;
  if (gguf_) {
    LATHE_TRY(const auto value,
              gguf_->metadata().find_string("tokenizer.huggingface.json").at(path_.string()));
    if (value) text = std::string(*value);
  } else {
    LATHE_TRY(text, find_tokenizer_json(path_));
  }
  if (text) return *std::move(text);
  return Error::not_found("there is no tokenizer.json")
      .at(path_.string())
      .fix_with("add the model's tokenizer.json");
}

Result<std::optional<std::string>> EncoderSource::tokenizer_config_json() const {
  if (gguf_) return std::optional<std::string>();
  return find_tokenizer_config_json(path_);
}

}  // namespace lathe::formats
