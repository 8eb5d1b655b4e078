#include "host/model_catalogue.h"

#include <fmt/format.h>

#include "formats/json.h"

namespace lathe::host {
namespace {

using formats::JsonFields;
using nlohmann::json;

Result<std::vector<std::string>> get_strings(const JsonFields& fields, const char* key) {
  LATHE_TRY(const auto found, fields.find_strings(key));
  if (found && !found->empty()) return *found;
  return Error::bad_input(fmt::format("{} is missing or empty", key));
}

Result<std::int64_t> get_size(const JsonFields& fields, const char* key, std::int64_t least) {
  LATHE_TRY(const std::int64_t value, fields.get_int(key));
  if (value >= least && value < std::int64_t{1} << 40) return value;
  return Error::bad_input(fmt::format("{} is {}", key, value));
}

Status read_sizes(const JsonFields& fields, ModelSizes& sizes) {
  LATHE_TRY(sizes.parameters, get_size(fields, "parameters", 1));
  LATHE_TRY(const auto used, fields.find_int("used_parameters"));
  sizes.used_parameters = used.value_or(0);
  LATHE_TRY(sizes.layers, get_size(fields, "layers", 1));
  LATHE_TRY(sizes.kv_heads, get_size(fields, "kv_heads", 0));
  LATHE_TRY(sizes.head_dim, get_size(fields, "head_dim", 1));
  LATHE_TRY(sizes.vocab_size, get_size(fields, "vocab_size", 1));
  LATHE_TRY(sizes.hidden_size, get_size(fields, "hidden_size", 1));
  LATHE_TRY(const auto tied, fields.find_bool("tied_embeddings"));
  sizes.tied_embeddings = tied.value_or(false);
  return {};
}

Status read_benchmarks(const JsonFields& fields, CatalogueModel& model) {
  const json* list = fields.find("benchmarks");
  if (list == nullptr || !list->is_array()) return Error::bad_input("benchmarks is no list");
  for (const json& entry : *list) {
    if (!entry.is_object()) return Error::bad_input("benchmarks holds something else than objects");
    const JsonFields inner(entry, "benchmarks.");
    Benchmark benchmark;
    LATHE_TRY(benchmark.name, inner.get_string("name"));
    LATHE_TRY(benchmark.value, inner.get_number("value"));
    LATHE_TRY(benchmark.source, inner.get_string("source"));
    model.benchmarks.push_back(std::move(benchmark));
  }
  return {};
}

Status read_model(const JsonFields& fields, CatalogueModel& model) {
  LATHE_TRY(model.family, fields.get_string("family"));
  LATHE_TRY(model.kind, fields.get_string("kind"));
  LATHE_TRY(model.licence, fields.get_string("licence"));
  LATHE_TRY(const auto gated, fields.find_bool("gated"));
  model.gated = gated.value_or(false);
  LATHE_TRY(model.context, get_size(fields, "context", 1));
  LATHE_CHECK(read_sizes(fields, model.sizes));
  LATHE_TRY(model.languages, get_strings(fields, "languages"));
  LATHE_TRY(model.tasks, get_strings(fields, "tasks"));
  return read_benchmarks(fields, model);
}

}  // namespace

Result<ModelCatalogue> read_catalogue(std::string_view text) {
  LATHE_TRY(const json whole, formats::parse_json_object(text).at("the catalogue"));
  const JsonFields fields(whole);
  ModelCatalogue catalogue;
  LATHE_TRY(catalogue.as_of, fields.get_string("as_of").at("the catalogue"));
  const json* models = fields.find("models");
  if (models == nullptr || !models->is_array())
    return Error::bad_input("models is no list").at("the catalogue");
  for (const json& entry : *models) {
    if (!entry.is_object()) return Error::bad_input("a model is no object").at("the catalogue");
    const JsonFields inner(entry);
    CatalogueModel model;
    LATHE_TRY(model.repository, inner.get_string("repository").at("the catalogue"));
    LATHE_CHECK(read_model(inner, model).at("the catalogue: " + model.repository));
    catalogue.models.push_back(std::move(model));
  }
  return catalogue;
}

}  // namespace lathe::host
