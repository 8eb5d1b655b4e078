#include "host/model_origin.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "formats/front_matter.h"
#include "formats/gguf.h"
#include "formats/hf_texts.h"

namespace lathe::host {
namespace {

using nlohmann::json;

constexpr std::int64_t kMaxBaseModels = 100;

// Beside the weights: in the folder, or in the store's folder of a GGUF file.
void from_readme(const os::Path& folder, ModelOrigin& origin) {
  const auto text = formats::find_readme(folder);
  if (!text.ok()) {
    origin.problem = text.error().message();
    return;
  }
  if (!*text) return;
  auto found = formats::read_front_matter(**text);
  if (!found.ok()) {
    origin.problem = std::move(found).error().at("README.md").message();
    return;
  }
  origin.license = std::move(found->license);
  origin.license_link = std::move(found->license_link);
  origin.purpose = std::move(found->pipeline);
  origin.base_models = std::move(found->base_models);
  origin.languages = std::move(found->languages);
  origin.tags = std::move(found->tags);
}

class GgufFacts {
 public:
  explicit GgufFacts(const formats::GgufMetadata& metadata) : metadata_(metadata) {}

  Status text(const char* key, std::string& out) const {
    LATHE_TRY(const auto value, metadata_.find_string(key));
    if (value && out.empty()) out = std::string(*value);
    return {};
  }
  Status texts(const char* key, std::vector<std::string>& out) const {
    if (!metadata_.has(key) || !out.empty()) return {};
    LATHE_TRY(const auto values, metadata_.get_strings(key));
    out = std::vector<std::string>(values.begin(), values.end());
    return {};
  }
  Status base_models(std::vector<std::string>& out) const {
    LATHE_TRY(const auto count, metadata_.find_int("general.base_model.count"));
    for (std::int64_t i = 0; i < std::min(count.value_or(0), kMaxBaseModels); ++i) {
      std::string name;
      LATHE_CHECK(text(fmt::format("general.base_model.{}.repo_url", i).c_str(), name));
      LATHE_CHECK(text(fmt::format("general.base_model.{}.name", i).c_str(), name));
      if (!name.empty()) out.push_back(std::move(name));
    }
    return {};
  }

 private:
  const formats::GgufMetadata& metadata_;
};

Status from_gguf(const formats::GgufMetadata& metadata, ModelOrigin& origin) {
  const GgufFacts facts(metadata);
  LATHE_CHECK(facts.text("general.license.name", origin.license));
  LATHE_CHECK(facts.text("general.license", origin.license));
  LATHE_CHECK(facts.text("general.license.link", origin.license_link));
  for (const char* key : {"general.source.huggingface.repository", "general.source.repo_url",
                          "general.source.url", "general.repo_url", "general.url"})
    LATHE_CHECK(facts.text(key, origin.source));
  LATHE_CHECK(facts.text("general.author", origin.authors));
  LATHE_CHECK(facts.text("general.organization", origin.authors));
  LATHE_CHECK(facts.texts("general.languages", origin.languages));
  LATHE_CHECK(facts.texts("general.tags", origin.tags));
  return facts.base_models(origin.base_models);
}

// gguf: null for a folder.
Result<ModelOrigin> origin_at(const os::Path& path, const formats::GgufFile* gguf) {
  ModelOrigin origin;
  from_readme(gguf != nullptr ? path.parent_path() : path, origin);
  if (gguf != nullptr) LATHE_CHECK(from_gguf(gguf->metadata(), origin).at(path.string()));
  return origin;
}

}  // namespace

Result<ModelOrigin> find_origin(const formats::ModelSource& source) {
  return origin_at(source.path(), source.gguf());
}
Result<ModelOrigin> find_origin(const formats::EncoderSource& source) {
  return origin_at(source.path(), source.gguf());
}

// The record's details hold {"source": {"repo" or "url", "revision"}, "license"} after a pull.
void add_record(const store::ModelRecord& record, ModelOrigin& origin) {
  const json details = json::parse(record.details, nullptr, false);
  if (!details.is_object()) return;
  const auto text = [](const json& object, const char* key, std::string& out) {
    const auto found = object.find(key);
    if (found != object.end() && found->is_string()) out = found->get<std::string>();
  };
  if (origin.license.empty()) text(details, "license", origin.license);
  const auto source = details.find("source");
  if (source == details.end() || !source->is_object()) return;
  for (const char* key : {"url", "repo"}) text(*source, key, origin.source);
  text(*source, "revision", origin.revision);
}

void add_to_gguf(const ModelOrigin& origin, formats::GgufMetadata& metadata) {
  const auto text = [&metadata](const char* key, const std::string& value) {
    if (!value.empty()) metadata.set(key, value);
  };
  const auto texts = [&metadata](const char* key, const std::vector<std::string>& values) {
    if (!values.empty()) metadata.set(key, formats::GgufArray(values));
  };
  text("general.license", origin.license);
  text("general.license.link", origin.license_link);
  text("general.author", origin.authors);
  texts("general.languages", origin.languages);
  texts("general.tags", origin.tags);
  const auto& bases = origin.base_models;
  if (bases.empty()) return;
  metadata.set("general.base_model.count", static_cast<std::uint32_t>(bases.size()));
  for (std::size_t i = 0; i < bases.size(); ++i)
    metadata.set(fmt::format("general.base_model.{}.name", i), bases[i]);
}

json to_json(const ModelOrigin& origin) {
  const auto or_null = [](const std::string& text) {
    return text.empty() ? json(nullptr) : json(text);
  };
  return {{"license", or_null(origin.license)},
          {"license_link", or_null(origin.license_link)},
          {"source", or_null(origin.source)},
          {"revision", or_null(origin.revision)},
          {"authors", or_null(origin.authors)},
          {"purpose", or_null(origin.purpose)},
          {"base_models", origin.base_models},
          {"languages", origin.languages},
          {"tags", origin.tags},
          {"problem", or_null(origin.problem)}};
}

}  // namespace lathe::host
