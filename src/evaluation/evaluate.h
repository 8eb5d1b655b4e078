// Scores an assistant on rows of a dataset: the last message of the assistant is the expected
// answer, and everything before it the prompt. Answers are greedy, made through the same code that
// serves, many rows in one batch.
//
// A row that fails (too long for the context, refused by the template, an error of the engine)
// counts as a wrong answer and as an error; none is left out.
//
// Thread-safety: pure but for the engine's work; several evaluations may share one engine, but then
// their latencies are not of rows that run alone.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "evaluation/metrics.h"
#include "os/clock.h"
#include "tasks/assistant.h"
#include "training/dataset.h"

namespace lathe::evaluation {

struct EvaluateOptions {
  std::size_t max_tokens = 24;    // of an answer, its end of turn included; at least 1
  MatchOptions match;             // when an answer counts as right
  std::size_t latency_rows = 10;  // rows that run alone, to be timed; 0: latency is not measured
};

// What one row came to.
struct RowResult {
  std::size_t line = 0;  // in the file, from 1
  std::map<std::string, std::string> tags;
  std::string question;  // the last user message, or the text to be continued
  std::string expected;
  std::string answer;
  bool right = false;
  double f1 = 0;
  bool cut = false;                  // ended by max_tokens
  std::size_t prompt_tokens = 0;     // virtual ones included
  std::size_t answer_tokens = 0;     // end of turn included
  std::vector<std::string> sources;  // of the retrieved passages, best first: "battery.md#2"
  std::size_t left_out = 0;          // passages and examples that did not fit
  std::optional<Error> error;
};

struct Score {
  std::size_t rows = 0;
  std::size_t right = 0;
  std::size_t errors = 0;  // of the rows that are not right
  double accuracy = 0;     // right / rows
  Interval interval;       // of it, 95 %
  double f1 = 0;           // mean; 0 for errors
};

// Seconds from the conversation to the whole answer (retrieval, rendering and tokenizing included),
// of rows that ran one after the other with nothing beside them, spread evenly over the data.
struct Latency {
  std::size_t rows = 0;  // timed; 0: not measured
  double median = 0;
  double p90 = 0;
};

struct Evaluation {
  std::vector<RowResult> rows;  // in the order of the data
  Score overall;
  std::map<std::string, std::map<std::string, Score>> by_tag;  // tag, value
  double prompt_tokens = 0;                                    // mean over rows without an error
  double answer_tokens = 0;                                    // the same
  std::size_t cut = 0;            // rows whose answer was ended by max_tokens
  std::size_t rows_left_out = 0;  // rows that some passage or example did not fit into
  Latency latency;
  double seconds = 0;  // of everything
};

// After each row; false stops.
using RowCallback = std::function<bool(std::size_t done, std::size_t total)>;

// What a row asks and expects. Error: bad_input with the line (a plain text, a conversation that
// does not end with an answer, or has nothing before it).
struct Question {
  std::vector<text::Message> conversation;  // empty for a completion
  std::string completion_prompt;
  std::string question;  // as RowResult has it
  std::string expected;
};
Result<Question> question_of(const training::Row& row);

// Errors: bad_input (no rows, a row that asks nothing, options), cancelled (the callback said so).
Result<Evaluation> evaluate(const tasks::Assistant& assistant, std::span<const training::Row> rows,
                            const EvaluateOptions& options, const os::Clock& clock,
                            const RowCallback& on_row = {});

// Counts and means of the rows; sets everything but latency and seconds.
Evaluation summarise(std::vector<RowResult> rows);

}  // namespace lathe::evaluation
