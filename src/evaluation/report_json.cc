#include "evaluation/report_json.h"

#include <nlohmann/json.hpp>

namespace lathe::evaluation {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const Score& score) {
  return {{"rows", score.rows},
          {"right", score.right},
          {"accuracy", score.accuracy},
          {"interval", {score.interval.low, score.interval.high}},
          {"f1", score.f1},
          {"errors", score.errors}};
}

Json tags_of(const Evaluation& evaluation) {
  Json tags = Json::object();
  for (const auto& [tag, scores] : evaluation.by_tag) {
    for (const auto& [value, score] : scores) tags[tag][value] = json_of(score);
  }
  return tags;
}

Json latency_of(const Latency& latency) {
  if (latency.rows == 0) return nullptr;
  return {{"rows", latency.rows}, {"median", latency.median}, {"p90", latency.p90}};
}

Json summary_of(const Evaluation& evaluation) {
  Json json = json_of(evaluation.overall);
  json["by_tag"] = tags_of(evaluation);
  json["prompt_tokens"] = evaluation.prompt_tokens;
  json["answer_tokens"] = evaluation.answer_tokens;
  json["cut"] = evaluation.cut;
  json["rows_left_out"] = evaluation.rows_left_out;
  json["latency"] = latency_of(evaluation.latency);
  json["seconds"] = evaluation.seconds;
  return json;
}

Json json_of(const RowResult& row) {
  Json json = {{"line", row.line},
               {"tags", row.tags},
               {"question", row.question},
               {"expected", row.expected},
               {"answer", row.answer},
               {"right", row.right},
               {"f1", row.f1},
               {"cut", row.cut},
               {"prompt_tokens", row.prompt_tokens},
               {"answer_tokens", row.answer_tokens},
               {"sources", row.sources},
               {"left_out", row.left_out}};
  if (row.error) json["error"] = row.error->message();
  return json;
}

Json json_of(const TrainingCost& cost) {
  return {{"seconds", cost.seconds},
          {"peak_bytes", cost.peak_bytes},
          {"learned_parameters", cost.learned_parameters},
          {"steps", cost.steps},
          {"loss", cost.loss}};
}

Json json_of(const WayResult& way) {
  if (way.error) return {{"way", to_string(way.way)}, {"error", way.error->message()}};
  Json json = {{"way", to_string(way.way)}};
  json.update(summary_of(way.evaluation));
  json["training"] = way.training ? json_of(*way.training) : Json(nullptr);
  json["artefact_bytes"] = way.artefact_bytes;
  json["adaptations"] = Json::array();
  for (const tasks::AdaptationSource& source : way.adaptations) {
    json["adaptations"].push_back(
        {{"name", source.name}, {"kind", to_string(source.kind)}, {"path", source.path.string()}});
  }
  return json;
}

Json settings_of(const CompareOptions& options) {
  const auto tuning = [](const training::TuneOptions& tune) {
    Json json = {{"epochs", tune.epochs}, {"batch_rows", tune.batch_rows}, {"seed", tune.seed}};
    if (tune.method == training::TuneMethod::lora) {
      json["rank"] = tune.lora.rank;
      json["alpha"] = tune.lora.alpha;
      json["target_modules"] = tune.lora.target_modules;
    } else {
      json["virtual_tokens"] = tune.virtual_tokens;
    }
    return json;
  };
  return {{"shots", options.shots},
          {"passages", options.passages},
          {"chunk_words", options.chunking.words},
          {"max_tokens", options.evaluate.max_tokens},
          {"ignore_case", options.evaluate.match.ignore_case},
          {"lora", tuning(options.lora)},
          {"prompt_tuning", tuning(options.prompt_tuning)}};
}

// Answers come from a model and names from files: what is not UTF-8 becomes U+FFFD.
std::string dump(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string to_json(const Evaluation& evaluation) {
  Json json = summary_of(evaluation);
  json["results"] = Json::array();
  for (const RowResult& row : evaluation.rows) json["results"].push_back(json_of(row));
  return dump(json);
}

std::string to_json(const Comparison& comparison) {
  Json json = {{"model", comparison.model},
               {"training_rows", comparison.training_rows},
               {"test_rows", comparison.test_rows},
               {"leaked_rows", comparison.leaked_rows},
               {"documents", comparison.documents},
               {"passages", comparison.passages},
               {"settings", settings_of(comparison.options)},
               {"readings", Json::array()},
               {"ways", Json::array()},
               {"recommendation", nullptr},
               {"seconds", comparison.seconds}};
  for (const ReadingTrial& trial : comparison.readings) {
    json["readings"].push_back({{"passages", trial.reading.passages},
                                {"chunk_words", trial.reading.chunk_words},
                                {"right", trial.right},
                                {"rows", trial.rows},
                                {"prompt_tokens", trial.prompt_tokens}});
  }
  for (const WayResult& way : comparison.ways) json["ways"].push_back(json_of(way));
  if (const auto& recommended = comparison.recommendation) {
    json["recommendation"] = {{"way", to_string(recommended->way)},
                              {"reason", recommended->reason}};
  }
  return dump(json);
}

}  // namespace lathe::evaluation
