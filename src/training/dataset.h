// Training and evaluation data: JSON lines, one row a line, of one of these shapes:
//
//   {"messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}
//   {"prompt": "…", "completion": "…"}      text without a template
//   {"text": "…"}                           plain text, all of it learned
//   {"text": "…", "label": "…"}             a user's text and the assistant's answer
//
// Further string fields ("task", "skill") are tags, which scores can be grouped by. Everything else
// is an error with its line number: no row is skipped.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/parallel.h"
#include "base/result.h"
#include "os/file.h"
#include "text/chat_encoder.h"
#include "training/example.h"

namespace lathe::training {

struct Row {
  enum class Kind { messages, completion, text };
  Kind kind = Kind::messages;
  std::vector<text::Message> messages;  // Kind::messages
  std::string prompt;                   // Kind::completion
  std::string text;  // Kind::completion: what follows the prompt; Kind::text: all of it
  std::map<std::string, std::string> tags;
  std::size_t line = 0;  // from 1
};

// One line. Errors: bad_input with the line number and the field.
Result<Row> parse_row(std::string_view line, std::size_t number);
// A whole file; blank lines are allowed. Errors name file, line and field; an empty file is one.
Result<std::vector<Row>> read_dataset(const os::Path& path);

// How much each token counts: answers count 1, what stands before them prompt_weight.
struct LossPolicy {
  float prompt_weight = 0;
};

// Tokens and weights of a row. A plain text or completion ends with EOS, which is learned.
Result<Example> encode_row(const Row& row, const text::ChatEncoder& encoder,
                           const LossPolicy& policy);

// The same for all rows, in parallel.
Result<std::vector<Example>> encode_rows(const std::vector<Row>& rows,
                                         const text::ChatEncoder& encoder, const LossPolicy& policy,
                                         Parallel& parallel);

}  // namespace lathe::training
