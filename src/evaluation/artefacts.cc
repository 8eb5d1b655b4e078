#include "evaluation/artefacts.h"

#include <fmt/format.h>

#include "formats/decoder_tensors.h"
#include "retrieval/document.h"
#include "retrieval/knowledge_base.h"

namespace lathe::evaluation {
namespace {

using tasks::AdaptationSource;

bool is_there(const os::Path& path) {
  std::error_code code;
  return std::filesystem::exists(path, code);
}

// Bytes of a file, or of the files in a folder.
Result<std::uint64_t> bytes_on_disk(const os::Path& path) {
  std::error_code code;
  std::uint64_t bytes = 0;
  if (std::filesystem::is_directory(path, code)) {
    for (auto entry = std::filesystem::recursive_directory_iterator(path, code);
         !code && entry != std::filesystem::recursive_directory_iterator(); entry.increment(code)) {
      if (entry->is_regular_file(code)) bytes += entry->file_size(code);
    }
  } else if (!code) {
    bytes = std::filesystem::file_size(path, code);
  }
  if (code) return Error::io("its size cannot be read: " + code.message()).at(path.string());
  return bytes;
}

// A row as a few-shot example: the last turn of the user and the answer to it.
Result<prompting::Example> example_of(const training::Row& row) {
  LATHE_TRY(Question question, question_of(row));
  if (question.conversation.empty() || question.conversation.back().role != "user") {
    return Error::bad_input("few-shot needs rows that end with a user's turn and its answer")
        .at(fmt::format("line {}", row.line))
        .fix_with("write the row as {\"messages\": […]}, or leave few-shot out");
  }
  return prompting::Example{std::move(question.question), std::move(question.expected)};
}

std::size_t parameters_of(const formats::DecoderConfig& config) {
  std::size_t count = 0;
  for (const formats::ExpectedTensor& expected : formats::expected_tensors(config)) {
    std::size_t size = 1;
    for (const auto extent : expected.shape) size *= static_cast<std::size_t>(extent);
    count += size;
  }
  return count;
}

// Weights in f32, what the run held for activations and gradients, and for each learned number its
// gradient and AdamW's two moments beside itself.
std::uint64_t peak_bytes(const formats::DecoderConfig& config, const training::TuneReport& report) {
  return sizeof(float) * (parameters_of(config) + 4 * report.learning_parameters) +
         report.training.working_bytes;
}

}  // namespace

Status Artefacts::make(WayResult& way) {
  way.adaptations.clear();
  if (uses_examples(way.way)) {
    LATHE_TRY(AdaptationSource source, few_shot());
    way.adaptations.push_back(std::move(source));
  }
  if (uses_documents(way.way)) {
    LATHE_TRY(std::vector<AdaptationSource> sources, retrieval());
    way.adaptations.insert(way.adaptations.end(), sources.begin(), sources.end());
  }
  if (uses_training(way.way)) {
    TrainingCost cost;
    LATHE_TRY(AdaptationSource source,
              tuned(way.way == Way::lora_retrieval ? Way::lora : way.way, cost));
    way.adaptations.push_back(std::move(source));
    way.training = cost;
  }
  way.artefact_bytes = 0;
  for (const AdaptationSource& source : way.adaptations) {
    LATHE_TRY(const std::uint64_t bytes, bytes_on_disk(source.path));
    way.artefact_bytes += bytes;
  }
  return {};
}

Result<AdaptationSource> Artefacts::few_shot() {
  const os::Path file = inputs_.folder / "few-shot.json";
  AdaptationSource source{AdaptationSource::Kind::prompt, "few-shot", file};
  if (is_there(file)) return source;
  prompting::PromptAdaptation prompt;
  for (const training::Row& row : inputs_.rows) {
    LATHE_TRY(prompting::Example example, example_of(row));
    prompt.examples.push_back(std::move(example));
  }
  prompt.selection = prompting::ExampleSelection::similar;
  prompt.shots = std::min(options_.shots, prompt.examples.size());
  LATHE_CHECK(prompting::write_prompt_adaptation(file, prompt));
  return source;
}

Result<std::vector<AdaptationSource>> Artefacts::retrieval() {
  const os::Path file = inputs_.folder / "knowledge.db";
  if (!is_there(file)) LATHE_CHECK(make_knowledge(file));
  std::vector<AdaptationSource> sources{{AdaptationSource::Kind::knowledge, "knowledge", file}};
  if (options_.passages == tasks::Assistant::kPassages) return sources;
  const os::Path prompt_file = inputs_.folder / "passages.json";
  if (!is_there(prompt_file)) {
    prompting::PromptAdaptation prompt;
    prompt.passages = options_.passages;
    LATHE_CHECK(prompting::write_prompt_adaptation(prompt_file, prompt));
  }
  sources.push_back({AdaptationSource::Kind::prompt, "passages", prompt_file});
  return sources;
}

Status Artefacts::make_knowledge(const os::Path& file) {
  LATHE_TRY(const std::vector<lathe::retrieval::Document> documents,
            lathe::retrieval::load_documents(inputs_.documents));
  LATHE_TRY(lathe::retrieval::KnowledgeBase base,
            lathe::retrieval::KnowledgeBase::create(file, options_.chunking));
  LATHE_CHECK(base.add_documents(documents));
  LATHE_TRY(const auto list, base.list());
  documents_ = list.size();
  chunks_ = 0;
  for (const auto& document : list) chunks_ += static_cast<std::size_t>(document.chunks);
  return {};
}

Result<AdaptationSource> Artefacts::tuned(Way way, TrainingCost& cost) {
  using Kind = AdaptationSource::Kind;
  const os::Path folder = inputs_.folder / to_string(way);
  if (!tuned_.contains(way)) {
    LATHE_TRY(tuned_[way], tune(way, folder));
  }
  cost = tuned_[way];
  return AdaptationSource{way == Way::prompt_tuning ? Kind::soft_prompt : Kind::lora,
                          to_string(way), folder};
}

Result<TrainingCost> Artefacts::tune(Way way, const os::Path& folder) {
  std::vector<training::Row> rows(inputs_.rows.begin(), inputs_.rows.end());
  if (way == Way::lora_on_retrieval) {
    LATHE_TRY(rows, rows_with_passages());
  }
  const training::TuneOptions& tuning =
      way == Way::prompt_tuning ? options_.prompt_tuning : options_.lora;
  LATHE_TRY(const training::TuneReport report,
            training::tune(inputs_.model_path, inputs_.model_name, rows, folder, tuning, parallel_,
                           clock_, callbacks_));
  if (report.training.stopped) return Error::cancelled("the training was stopped");
  return TrainingCost{report.training.seconds,
                      peak_bytes(inputs_.model->decoder().config(), report),
                      report.learning_parameters, report.training.steps, report.training.loss};
}

// The training rows with the prompts that retrieval makes of them.
Result<std::vector<training::Row>> Artefacts::rows_with_passages() {
  LATHE_TRY(const std::vector<AdaptationSource> sources, retrieval());
  LATHE_TRY(const auto assistant, tasks::Assistant::make(inputs_.model, sources));
  tasks::AnswerOptions answer;
  answer.max_tokens = options_.evaluate.max_tokens;
  std::vector<training::Row> rows;
  for (const training::Row& row : inputs_.rows) {
    LATHE_TRY(const Question question, question_of(row));
    LATHE_TRY(
        tasks::PreparedPrompt prompt,
        assistant->prepare(question.conversation, answer).at(fmt::format("line {}", row.line)));
    training::Row made = row;
    made.messages = std::move(prompt.messages);
    made.messages.push_back({"assistant", question.expected});
    rows.push_back(std::move(made));
  }
  return rows;
}

}  // namespace lathe::evaluation
