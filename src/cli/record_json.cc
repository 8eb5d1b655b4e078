#include "cli/record_json.h"

#include <nlohmann/json.hpp>

namespace lathe::cli {
namespace {

using nlohmann::json;

json or_null(const std::string& text) { return text.empty() ? json(nullptr) : json(text); }

}  // namespace

json to_json(const store::ModelRecord& model) {
  return {{"name", model.name},
          {"kind", model.kind},
          {"family", model.family},
          {"parameters", model.parameters},
          {"context_length", model.context_length},
          {"quantization", model.quantization},
          {"size_bytes", model.size_bytes},
          {"fingerprint", model.fingerprint},
          {"tokenizer_hash", model.tokenizer_hash},
          {"template_hash", or_null(model.template_hash)},
          {"details", json::parse(model.details, nullptr, false)},
          {"path", model.path},
          {"created", model.created}};
}

json to_json(const store::AdaptationRecord& adaptation) {
  return {{"name", adaptation.name},
          {"kind", store::to_string(adaptation.kind)},
          {"base_model", or_null(adaptation.base_model)},
          {"base_fingerprint", or_null(adaptation.base_fingerprint)},
          {"size_bytes", adaptation.size_bytes},
          {"settings", json::parse(adaptation.settings, nullptr, false)},
          {"path", adaptation.path},
          {"created", adaptation.created}};
}

json to_json(const store::VersionRecord& version, bool in_charge) {
  return {{"deployment", version.deployment},   {"version", version.version},
          {"reference", version.reference},     {"model", version.model},
          {"adaptations", version.adaptations}, {"in_charge", in_charge},
          {"created", version.created}};
}

json to_json(const store::RevisionRecord& revision) {
  return {{"revision", revision.revision},
          {"kind", store::to_string(revision.kind)},
          {"version", revision.version},
          {"what", revision.what},
          {"created", revision.created}};
}

json to_json(const store::RequestRecord& request) {
  return {{"id", request.id},
          {"reference", request.reference},
          {"deployment", or_null(request.deployment)},
          {"version", request.version > 0 ? json(request.version) : json(nullptr)},
          {"started", request.started},
          {"status", request.status},
          {"prompt_tokens", request.prompt_tokens},
          {"completion_tokens", request.completion_tokens},
          {"latency_ms", request.latency_ms},
          {"load_ms", request.load_ms}};
}

}  // namespace lathe::cli
