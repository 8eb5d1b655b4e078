// Builds the messages of a prompt from its parts: system text, prompt template, few-shot examples,
// retrieved passages and the conversation, in this order:
//
//   system      the system text (and below it the conversation's own, when it opens with one)
//   user        example 1's input       assistant   example 1's output       … for each example
//   …           the conversation's earlier turns
//   user        the last turn, after the passages:
//               "[1] <passage>\n[2] <passage>\n\nQuestion: <user text>"
//
// A passage is one line: its title, ": " and its text (the text alone without a title), white space
// inside made single spaces. Without passages the last turn is the user text alone. The form of the
// last turn is a contract with the starter model's training corpus (starter/README.md).
//
// The template is put around the input of each user turn, of examples too: "Label this: {input}".
// Pure functions.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "base/result.h"
#include "prompting/budget.h"
#include "prompting/few_shot.h"
#include "text/chat_template.h"

namespace lathe::prompting {

struct Passage {
  std::string title;  // may be empty
  std::string text;
  std::string source;  // where it comes from, for reports: "battery.md#2"
};

struct PromptParts {
  std::string system;                       // empty: none
  std::string input_template;               // empty: the user text as it is
  std::vector<Example> examples;            // as they are shown: the likest last, by the question
  std::vector<Passage> passages;            // best first, and numbered so
  std::vector<text::Message> conversation;  // the last turn is the user's
};

// bad_input unless the template has "{input}" exactly once. Other braces are ordinary text.
Status check_input_template(std::string_view input_template);

// "[1] …\n[2] …\n\nQuestion: <user_text>", or user_text alone without passages.
std::string with_passages(std::span<const Passage> passages, std::string_view user_text);

// Errors: bad_input (an empty conversation, a last turn that is not the user's, the template).
Result<std::vector<text::Message>> build_messages(const PromptParts& parts);

struct BuiltPrompt {
  std::vector<text::Message> messages;
  BudgetPlan budget;  // what was left out of passages and examples, by name
};

// The tokens of these messages as the model will read them: rendered with the generation prompt and
// tokenized.
using MessageTokenCounter = FunctionRef<Result<std::size_t>(std::span<const text::Message>)>;

// As build_messages, with the passages and examples that fit: first the passages, best first, then
// the examples, last first. System text, template and conversation are mandatory. Passages that
// stay are numbered from 1 again. Errors: also limit, with the counts, when the mandatory parts
// alone do not fit.
Result<BuiltPrompt> build_prompt(const PromptParts& parts, const Budget& budget,
                                 MessageTokenCounter count);

}  // namespace lathe::prompting
