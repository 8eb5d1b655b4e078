#include "host/model_choice.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

namespace lathe::host {
namespace {

constexpr const char* kPermissive[] = {"apache-2.0", "mit", "bsd-3-clause"};

bool has(const std::vector<std::string>& list, const std::string& wanted) {
  return std::find(list.begin(), list.end(), wanted) != list.end();
}

bool is_permissive(const std::string& licence) {
  return std::any_of(std::begin(kPermissive), std::end(kPermissive),
                     [&](const char* known) { return licence == known; });
}

bool has_licence(const CatalogueModel& model, const std::vector<std::string>& wanted) {
  if (wanted.empty()) return true;
  return has(wanted, model.licence) || (has(wanted, "permissive") && is_permissive(model.licence));
}

bool is_encoder(const CatalogueModel& model) { return model.kind == "encoder"; }

// bad_input with what there is, when nothing of the catalogue has the wanted value.
Status check_known(const std::set<std::string>& known, const std::string& wanted,
                   const char* what) {
  if (wanted.empty() || known.count(wanted) > 0) return {};
  return Error::bad_input(fmt::format("no model of the catalogue has the {} '{}'", what, wanted))
      .fix_with(fmt::format("choose one of: {}", fmt::join(known, ", ")));
}

Status check_wishes(const ModelCatalogue& catalogue, const ChoiceWishes& wishes) {
  std::set<std::string> tasks, languages, licences = {"permissive"};
  for (const CatalogueModel& model : catalogue.models) {
    tasks.insert(model.tasks.begin(), model.tasks.end());
    languages.insert(model.languages.begin(), model.languages.end());
    licences.insert(model.licence);
  }
  LATHE_CHECK(check_known(tasks, wishes.task, "task"));
  LATHE_CHECK(check_known(languages, wishes.language, "language"));
  for (const std::string& licence : wishes.licences)
    LATHE_CHECK(check_known(licences, licence, "licence"));
  return {};
}

Candidate candidate_of(const CatalogueModel& model, const ChoiceWishes& wishes,
                       const MachineSpeed& machine) {
  Candidate candidate;
  candidate.model = model;
  candidate.quantization = is_encoder(model) ? tensor::DType::f32 : wishes.quantization;
  candidate.context = std::min(wishes.context, model.context);
  candidate.weights = weight_bytes(model.sizes, candidate.quantization);
  candidate.cache = cache_bytes(model.sizes, candidate.context);
  candidate.prompt_tokens_per_second = prompt_tokens_per_second(model.sizes, machine);
  if (!is_encoder(model))
    candidate.decode_tokens_per_second =
        decode_tokens_per_second(model.sizes, candidate.quantization, machine);
  candidate.quality = quality_of(model);
  return candidate;
}

// The model under its repository's name, whatever --name it was pulled under.
std::vector<store::ComparisonRecord> comparisons_of(
    const CatalogueModel& model, const std::vector<store::ComparisonRecord>& all) {
  std::vector<store::ComparisonRecord> own;
  for (const store::ComparisonRecord& each : all) {
    if (each.model == model.repository || each.repository == model.repository) own.push_back(each);
  }
  return own;
}

double best_own(const Candidate& candidate) {
  return candidate.own.empty() ? -1 : candidate.own.front().accuracy;
}

// MMLU and MTEB do not measure the same thing, and other benchmarks none of theirs.
bool comparable(const Candidate& a, const Candidate& b) {
  return a.quality && b.quality && a.quality->name == b.quality->name;
}

int rank_of_kind(const Candidate& candidate) {
  if (!candidate.quality) return 2;
  return candidate.quality->name == "MMLU" || candidate.quality->name == "MTEB" ? 0 : 1;
}

bool is_better(const Candidate& a, const Candidate& b) {
  if (best_own(a) != best_own(b)) return best_own(a) > best_own(b);
  if (rank_of_kind(a) != rank_of_kind(b)) return rank_of_kind(a) < rank_of_kind(b);
  if (comparable(a, b) && a.quality->value != b.quality->value)
    return a.quality->value > b.quality->value;
  return a.model.sizes.parameters > b.model.sizes.parameters;
}

// What stood in the way of others.
struct LeftOut {
  std::size_t task = 0, language = 0, licence = 0, memory = 0;

  std::vector<std::string> text(const ChoiceWishes& wishes) const {
    std::vector<std::string> lines;
    const auto add = [&](std::size_t count, const std::string& why) {
      if (count > 0) lines.push_back(fmt::format("{} {}", count, why));
    };
    add(task, fmt::format("are not made to {}", wishes.task));
    add(language, fmt::format("do not name '{}' among their languages", wishes.language));
    add(licence, "have another licence");
    add(memory, fmt::format("need more than {:.1f} GB of memory",
                            static_cast<double>(wishes.memory) / 1e9));
    return lines;
  }
};

std::vector<std::string> reasons_for(const Candidate& first, const ChoiceWishes& wishes) {
  std::vector<std::string> reasons;
  if (!first.own.empty()) {
    const store::ComparisonRecord& own = first.own.front();
    reasons.push_back(fmt::format("your own comparison on {} has {:.1f} % of {} rows right ({})",
                                  own.data, 100 * own.accuracy, own.rows, own.way));
  }
  if (first.quality)
    reasons.push_back(fmt::format("{} {} ({}), the best of those that fit", first.quality->name,
                                  first.quality->value, first.quality->source));
  reasons.push_back(fmt::format("takes {:.2f} GB as {} with a context of {} tokens, of {:.1f} GB",
                                static_cast<double>(first.weights + first.cache) / 1e9,
                                tensor::to_string(first.quantization), first.context,
                                static_cast<double>(wishes.memory) / 1e9));
  reasons.push_back(fmt::format("licence {}{}", first.model.licence,
                                is_permissive(first.model.licence)
                                    ? ", which allows commercial use"
                                    : ": read its terms before use"));
  if (first.model.gated)
    reasons.push_back("gated: its terms must be accepted on its page, and HF_TOKEN set");
  return reasons;
}

}  // namespace

std::vector<std::string> task_names() {
  return {"generate", "summarize", "rewrite", "extract", "classify", "search", "cluster"};
}

std::optional<Benchmark> quality_of(const CatalogueModel& model) {
  const char* wanted = is_encoder(model) ? "MTEB" : "MMLU";
  for (const Benchmark& benchmark : model.benchmarks) {
    if (benchmark.name == wanted) return benchmark;
  }
  if (model.benchmarks.empty()) return std::nullopt;
  return model.benchmarks.front();
}

Result<Choice> choose_models(const ModelCatalogue& catalogue, const ChoiceWishes& wishes,
                             const MachineSpeed& machine,
                             const std::vector<store::ComparisonRecord>& comparisons) {
  LATHE_CHECK(check_wishes(catalogue, wishes));
  Choice choice;
  LeftOut left_out;
  for (const CatalogueModel& model : catalogue.models) {
    if (!has(model.tasks, wishes.task)) {
      ++left_out.task;
    } else if (!wishes.language.empty() && !has(model.languages, wishes.language)) {
      ++left_out.language;
    } else if (!has_licence(model, wishes.licences)) {
      ++left_out.licence;
    } else {
      Candidate candidate = candidate_of(model, wishes, machine);
      if (candidate.weights + candidate.cache > wishes.memory) {
        ++left_out.memory;
        continue;
      }
      candidate.own = comparisons_of(model, comparisons);
      choice.candidates.push_back(std::move(candidate));
    }
  }
  std::stable_sort(choice.candidates.begin(), choice.candidates.end(), is_better);
  choice.left_out = left_out.text(wishes);
  if (!choice.candidates.empty()) choice.reasons = reasons_for(choice.candidates.front(), wishes);
  return choice;
}

}  // namespace lathe::host
