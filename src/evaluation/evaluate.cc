#include "evaluation/evaluate.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>

namespace lathe::evaluation {
namespace {

// Requests under way at once: more than an engine's batch holds, so that it is never short of work.
constexpr std::size_t kInFlight = 48;

Error row_error(const training::Row& row, std::string what) {
  return Error::bad_input(std::move(what)).at(fmt::format("line {}", row.line));
}

// `count` places spread evenly over [0, size).
std::vector<std::size_t> spread(std::size_t count, std::size_t size) {
  std::vector<std::size_t> places;
  count = std::min(count, size);
  for (std::size_t i = 0; i < count; ++i) places.push_back(i * size / count);
  return places;
}

// Answers the rows of one evaluation: some alone and timed, the others together.
class Runner {
 public:
  Runner(const tasks::Assistant& assistant, std::span<const training::Row> rows,
         const EvaluateOptions& options, const os::Clock& clock, const RowCallback& on_row)
      : assistant_(assistant), rows_(rows), options_(options), clock_(clock), on_row_(on_row) {
    answer_options_.max_tokens = options.max_tokens;
  }

  Result<Evaluation> run() {
    const double start = clock_.seconds();
    LATHE_CHECK(read_rows());
    LATHE_CHECK(answer_alone());
    LATHE_CHECK(answer_together());
    Evaluation evaluation = summarise(std::move(results_));
    evaluation.latency = {times_.size(), median(times_), quantile(times_, 0.9)};
    evaluation.seconds = clock_.seconds() - start;
    return evaluation;
  }

 private:
  struct UnderWay {
    std::size_t row;
    std::shared_ptr<engine::Generation> generation;
  };

  Status read_rows() {
    for (const training::Row& row : rows_) {
      LATHE_TRY(Question question, question_of(row));
      if (question.conversation.empty() && assistant_.shapes_conversations()) {
        return row_error(row, "a completion goes past prompts, examples and retrieved passages")
            .fix_with("write the rows as {\"messages\": […]}, or leave those adaptations out");
      }
      RowResult result;
      result.line = row.line;
      result.tags = row.tags;
      result.question = question.question;
      result.expected = question.expected;
      results_.push_back(std::move(result));
      questions_.push_back(std::move(question));
    }
    answered_.assign(rows_.size(), false);
    return {};
  }

  // Greedy answers do not depend on company, so that those that are timed count, too.
  Status answer_alone() {
    for (const std::size_t row : spread(options_.latency_rows, rows_.size())) {
      const double start = clock_.seconds();
      auto request = prepare(row);
      if (!request.ok()) {
        LATHE_CHECK(fail(row, request.error()));
        continue;
      }
      const auto answer = assistant_.engine().generate(std::move(request).value());
      if (!answer.ok()) {
        LATHE_CHECK(fail(row, answer.error()));
        continue;
      }
      times_.push_back(clock_.seconds() - start);
      LATHE_CHECK(keep(row, answer.value()));
    }
    return {};
  }

  Status answer_together() {
    Status status;
    for (std::size_t row = 0; status.ok() && row < rows_.size(); ++row) {
      if (!answered_[row]) status = start(row);
    }
    while (status.ok() && !under_way_.empty()) status = finish_oldest();
    for (const UnderWay& left : under_way_) left.generation->cancel();
    return status;
  }

  // Submits a row as soon as there is room for it.
  Status start(std::size_t row) {
    const auto request = prepare(row);
    if (!request.ok()) return fail(row, request.error());
    if (under_way_.size() >= kInFlight) LATHE_CHECK(finish_oldest());
    auto generation = assistant_.engine().submit(request.value());
    // A queue that others have filled: what is under way has to end first.
    while (!generation.ok() && generation.error().kind == ErrorKind::unavailable &&
           !under_way_.empty()) {
      LATHE_CHECK(finish_oldest());
      generation = assistant_.engine().submit(request.value());
    }
    if (!generation.ok()) return fail(row, generation.error());
    under_way_.push_back({row, std::move(generation).value()});
    return {};
  }

  Status finish_oldest() {
    const UnderWay oldest = std::move(under_way_.front());
    under_way_.pop_front();
    return keep(oldest.row, oldest.generation->wait());
  }

  Result<engine::GenerationRequest> prepare(std::size_t row) {
    const Question& question = questions_[row];
    tasks::PreparedPrompt prompt;
    if (question.conversation.empty()) {
      LATHE_TRY(prompt, assistant_.prepare_completion(question.completion_prompt));
    } else {
      LATHE_TRY(prompt, assistant_.prepare(question.conversation, answer_options_));
    }
    for (const prompting::Passage& passage : prompt.passages) {
      results_[row].sources.push_back(passage.source);
    }
    results_[row].left_out = prompt.left_out.size();
    return assistant_.request(prompt, answer_options_);
  }

  Status keep(std::size_t row, const engine::Answer& answer) {
    using engine::FinishReason;
    if (answer.reason == FinishReason::error || answer.reason == FinishReason::cancelled) {
      return fail(row, answer.error.value_or(Error::cancelled("the answer was cancelled")));
    }
    RowResult& result = results_[row];
    result.answer = answer.text;
    result.right = exact_match(answer.text, result.expected, options_.match);
    result.f1 = token_f1(answer.text, result.expected);
    result.cut = answer.reason == FinishReason::length;
    result.prompt_tokens = answer.usage.prompt_tokens + answer.usage.virtual_tokens;
    result.answer_tokens = answer.usage.completion_tokens;
    return count(row);
  }

  Status fail(std::size_t row, const Error& error) {
    results_[row].error = error;
    return count(row);
  }

  Status count(std::size_t row) {
    answered_[row] = true;
    ++done_;
    if (!on_row_ || on_row_(done_, rows_.size())) return {};
    return Error::cancelled("the evaluation was stopped");
  }

  const tasks::Assistant& assistant_;
  std::span<const training::Row> rows_;
  const EvaluateOptions& options_;
  const os::Clock& clock_;
  const RowCallback& on_row_;
  tasks::AnswerOptions answer_options_;  // greedy unless told otherwise: SamplingOptions' default
  std::vector<Question> questions_;
  std::vector<RowResult> results_;
  std::vector<bool> answered_;
  std::deque<UnderWay> under_way_;
  std::vector<double> times_;
  std::size_t done_ = 0;
};

void add(Score& score, const RowResult& row) {
  ++score.rows;
  score.right += row.right;
  score.errors += row.error.has_value();
  score.f1 += row.f1;  // a sum until finish()
}

void finish(Score& score) {
  if (score.rows == 0) return;
  const auto rows = static_cast<double>(score.rows);
  score.accuracy = static_cast<double>(score.right) / rows;
  score.interval = wilson(score.right, score.rows);
  score.f1 /= rows;
}

}  // namespace

Result<Question> question_of(const training::Row& row) {
  using Kind = training::Row::Kind;
  Question question;
  if (row.kind == Kind::text) {
    return row_error(row, "a plain text has no answer to compare with")
        .fix_with(
            "write rows as {\"messages\": […]}, {\"prompt\", \"completion\"} or "
            "{\"text\", \"label\"}");
  }
  if (row.kind == Kind::completion) {
    question.completion_prompt = question.question = row.prompt;
    question.expected = row.text;
    return question;
  }
  if (row.messages.size() < 2 || row.messages.back().role != "assistant") {
    return row_error(row, "the row does not end with an answer of the assistant to something")
        .fix_with("end \"messages\" with the expected answer, of the role assistant");
  }
  question.conversation.assign(row.messages.begin(), row.messages.end() - 1);
  question.question = question.conversation.back().content;
  question.expected = row.messages.back().content;
  return question;
}

Evaluation summarise(std::vector<RowResult> rows) {
  Evaluation evaluation;
  std::vector<double> prompt_tokens, answer_tokens;
  for (const RowResult& row : rows) {
    add(evaluation.overall, row);
    for (const auto& [tag, value] : row.tags) add(evaluation.by_tag[tag][value], row);
    evaluation.cut += row.cut;
    evaluation.rows_left_out += row.left_out > 0;
    if (row.error) continue;
    prompt_tokens.push_back(static_cast<double>(row.prompt_tokens));
    answer_tokens.push_back(static_cast<double>(row.answer_tokens));
  }
  finish(evaluation.overall);
  for (auto& [tag, scores] : evaluation.by_tag) {
    for (auto& [value, score] : scores) finish(score);
  }
  evaluation.prompt_tokens = mean(prompt_tokens);
  evaluation.answer_tokens = mean(answer_tokens);
  evaluation.rows = std::move(rows);
  return evaluation;
}

Result<Evaluation> evaluate(const tasks::Assistant& assistant, std::span<const training::Row> rows,
                            const EvaluateOptions& options, const os::Clock& clock,
                            const RowCallback& on_row) {
  if (rows.empty()) return Error::bad_input("there are no rows to evaluate on");
  if (options.max_tokens == 0) {
    return Error::bad_input("an answer needs at least one token").at("max tokens");
  }
  return Runner(assistant, rows, options, clock, on_row).run();
}

}  // namespace lathe::evaluation
