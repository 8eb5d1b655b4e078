#include "host/comparison_log.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/fnv.h"

namespace lathe::host {
namespace {

// "org/name" of the Hub; empty when the model did not come from one.
std::string repository_of(const store::ModelRecord& model) {
  const auto details = nlohmann::json::parse(model.details, nullptr, false);
  if (!details.is_object() || !details.contains("source")) return {};
  const auto& source = details["source"];
  if (!source.is_object() || !source.contains("repo")) return {};
  const auto& repository = source["repo"];
  return repository.is_string() ? repository.get<std::string>() : std::string();
}

const evaluation::WayResult* recommended(const evaluation::Comparison& comparison) {
  if (!comparison.recommendation) return nullptr;
  for (const evaluation::WayResult& way : comparison.ways) {
    if (way.way == comparison.recommendation->way && !way.error) return &way;
  }
  return nullptr;
}

}  // namespace

Status keep_comparison(LocalStore& store, const evaluation::Comparison& comparison,
                       const os::Path& test) {
  const evaluation::WayResult* way = recommended(comparison);
  if (way == nullptr) return {};
  const auto model = store.catalogue.model(comparison.model);
  if (!model.ok()) return {};
  LATHE_TRY(const std::string rows, os::read_file(test));
  Fnv64 hash;
  hash.add(rows);
  const evaluation::Score& score = way->evaluation.overall;
  store::ComparisonRecord record;
  record.model = model->name;
  record.repository = repository_of(*model);
  record.data = test.filename().string();
  record.data_hash = fmt::format("{:016x}", hash.value());
  record.rows = static_cast<std::int64_t>(score.rows);
  record.way = to_string(way->way);
  record.accuracy = score.accuracy;
  record.low = score.interval.low;
  record.high = score.interval.high;
  return store.catalogue.record_comparison(record);
}

}  // namespace lathe::host
