#include "host/model_description.h"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

#include "formats/weight_summary.h"
#include "host/fingerprint.h"
#include "tasks/loaded_model.h"
#include "text/model_text.h"

namespace lathe::host {
namespace {

// How an encoder makes vectors, and what of its files it does not use.
nlohmann::json embedding_details(const formats::EncoderSource& source) {
  const formats::EmbeddingConfig& how = source.embedding();
  nlohmann::json prompts = nlohmann::json::array();
  for (const auto& [name, text] : how.prompts) prompts.push_back(name);
  return {{"width", source.config().hidden_size},
          {"pooling",
           how.pooling ? nlohmann::json(formats::name_of(*how.pooling)) : nlohmann::json(nullptr)},
          {"normalised", how.normalised},
          {"prompts", prompts},
          {"unused_tensors", std::vector<std::string>(source.unused_tensors().begin(),
                                                      source.unused_tensors().end())}};
}

}  // namespace

Result<store::ModelRecord> describe(const formats::ModelSource& source) {
  store::ModelRecord record;
  record.family = source.config().family;
  record.context_length = formats::context_limit(source.config());
  LATHE_TRY(const text::Tokenizer tokenizer, text::load_tokenizer(source));
  record.tokenizer_hash = tokenizer.hash();
  if (const auto chat = text::load_chat_encoder(source, tokenizer); chat.ok()) {
    record.template_hash = fmt::format("{:016x}", chat->chat_template().hash());
  } else if (chat.error().kind != ErrorKind::not_found) {
    return chat.error();  // a model without a template takes completions; a broken one is an error
  }
  return record;
}

Result<store::ModelRecord> describe(const formats::EncoderSource& source) {
  store::ModelRecord record;
  record.kind = "encoder";
  record.family = source.config().family;
  record.context_length = source.embedding().max_tokens;
  LATHE_TRY(const text::Tokenizer tokenizer, text::load_tokenizer(source));
  record.tokenizer_hash = tokenizer.hash();
  record.details = nlohmann::json{{"embedding", embedding_details(source)}}.dump();
  return record;
}

Status describe_types(const formats::ModelSource& source, store::ModelRecord& record) {
  LATHE_TRY(const auto types, formats::weights_by_type(source));
  record.parameters = 0;
  for (const formats::WeightsOfType& of : types) record.parameters += of.parameters;
  if (!types.empty()) record.quantization = tensor::to_string(types.front().dtype);
  return {};
}

Status describe_types(const formats::EncoderSource& source, store::ModelRecord& record) {
  std::map<tensor::DType, std::uint64_t> bytes;
  record.parameters = 0;
  for (const std::string& name : source.tensor_names()) {
    LATHE_TRY(const tensor::TensorView view, source.tensor(name));
    bytes[view.dtype] += view.bytes.size();
    record.parameters += static_cast<std::int64_t>(tensor::element_count(view.shape).value_or(0));
  }
  std::uint64_t most = 0;
  for (const auto& [dtype, size] : bytes) {
    if (size <= most) continue;
    most = size;
    record.quantization = tensor::to_string(dtype);
  }
  return {};
}

Status describe_weights(const os::Path& folder, Parallel& parallel, store::ModelRecord& record) {
  LATHE_TRY(const os::Path file, tasks::model_path(folder));
  const auto describe_both = [&](const auto& source) -> Status {
    LATHE_CHECK(describe_types(source, record));
    LATHE_TRY(record.fingerprint, weights_fingerprint(source, parallel));
    return {};
  };
  if (formats::is_encoder(file)) {
    LATHE_TRY(const formats::EncoderSource source, formats::EncoderSource::open(file));
    return describe_both(source);
  }
  LATHE_TRY(const formats::ModelSource source, formats::ModelSource::open(file));
  return describe_both(source);
}

}  // namespace lathe::host
