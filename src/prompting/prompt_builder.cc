#include "prompting/prompt_builder.h"

#include <fmt/format.h>

#include <algorithm>

namespace lathe::prompting {
namespace {

constexpr std::string_view kInput = "{input}";
constexpr std::string_view kSpace = " \t\r\n\v\f";

// Appends the text as one line: white space becomes single spaces, none at the ends.
void append_one_line(std::string& line, std::string_view text) {
  const std::size_t start = line.size();
  for (std::size_t at = text.find_first_not_of(kSpace); at != std::string_view::npos;) {
    const std::size_t end = std::min(text.find_first_of(kSpace, at), text.size());
    if (line.size() > start) line += ' ';
    line += text.substr(at, end - at);
    at = text.find_first_not_of(kSpace, end);
  }
}

std::string fill_template(const std::string& input_template, const std::string& input) {
  if (input_template.empty()) return input;
  std::string filled = input_template;
  return filled.replace(filled.find(kInput), kInput.size(), input);
}

Status check_conversation(const std::vector<text::Message>& conversation) {
  if (conversation.empty()) {
    return Error::bad_input("the conversation is empty").fix_with("give a message of the user");
  }
  if (conversation.back().role != "user") {
    return Error::bad_input(fmt::format("the conversation's last message is of the role '{}'",
                                        conversation.back().role.substr(0, 64)))
        .fix_with("end it with a message of the user");
  }
  return {};
}

// The adaptation's system text and that of the conversation are one message: most chat templates
// take a single one, at the start.
std::string join_system(const std::string& ours, const std::string& theirs) {
  if (ours.empty() || theirs.empty()) return ours + theirs;
  return ours + "\n\n" + theirs;
}

// The optional parts in rank order: which passage or example each is, and its name for reports.
struct OptionalParts {
  std::vector<std::string> names;
  std::size_t passages = 0;
  std::size_t examples = 0;

  explicit OptionalParts(const PromptParts& parts)
      : passages(parts.passages.size()), examples(parts.examples.size()) {
    for (std::size_t i = 0; i < passages; ++i) {
      const std::string& source = parts.passages[i].source;
      names.push_back(source.empty() ? fmt::format("passage {}", i + 1)
                                     : fmt::format("passage {} ({})", i + 1, source));
    }
    for (std::size_t i = examples; i > 0; --i) names.push_back(fmt::format("example {}", i));
  }

  // The example with this index stands after the passages, the last one first.
  std::size_t place_of_example(std::size_t index) const { return passages + examples - 1 - index; }
};

PromptParts only_included(const PromptParts& parts, const OptionalParts& optional,
                          const std::vector<bool>& included) {
  PromptParts kept;
  kept.system = parts.system;
  kept.input_template = parts.input_template;
  kept.conversation = parts.conversation;
  for (std::size_t i = 0; i < parts.passages.size(); ++i) {
    if (included[i]) kept.passages.push_back(parts.passages[i]);
  }
  for (std::size_t i = 0; i < parts.examples.size(); ++i) {
    if (included[optional.place_of_example(i)]) kept.examples.push_back(parts.examples[i]);
  }
  return kept;
}

}  // namespace

Status check_input_template(std::string_view input_template) {
  const std::size_t first = input_template.find(kInput);
  if (first == std::string_view::npos) {
    return Error::bad_input("the prompt template has no {input}")
        .fix_with("write {input} where the user's text belongs");
  }
  if (input_template.find(kInput, first + 1) != std::string_view::npos) {
    return Error::bad_input("the prompt template has {input} more than once")
        .fix_with("write {input} once");
  }
  return {};
}

std::string with_passages(std::span<const Passage> passages, std::string_view user_text) {
  if (passages.empty()) return std::string(user_text);
  std::string turn;
  for (std::size_t i = 0; i < passages.size(); ++i) {
    turn += fmt::format("[{}] ", i + 1);
    const std::size_t title = turn.size();
    append_one_line(turn, passages[i].title);
    if (turn.size() > title) turn += ": ";
    append_one_line(turn, passages[i].text);
    turn += '\n';
  }
  turn += "\nQuestion: ";
  turn += user_text;
  return turn;
}

Result<std::vector<text::Message>> build_messages(const PromptParts& parts) {
  LATHE_CHECK(check_conversation(parts.conversation));
  if (!parts.input_template.empty()) LATHE_CHECK(check_input_template(parts.input_template));
  const bool opens_with_system = parts.conversation.front().role == "system";
  const std::string system =
      join_system(parts.system, opens_with_system ? parts.conversation.front().content : "");

  std::vector<text::Message> messages;
  if (!system.empty()) messages.push_back({"system", system});
  for (const Example& example : parts.examples) {
    messages.push_back({"user", fill_template(parts.input_template, example.input)});
    messages.push_back({"assistant", example.output});
  }
  for (std::size_t i = opens_with_system ? 1 : 0; i < parts.conversation.size(); ++i) {
    text::Message message = parts.conversation[i];
    if (message.role == "user") {
      message.content = fill_template(parts.input_template, message.content);
    }
    messages.push_back(std::move(message));
  }
  messages.back().content = with_passages(parts.passages, messages.back().content);
  return messages;
}

Result<BuiltPrompt> build_prompt(const PromptParts& parts, const Budget& budget,
                                 MessageTokenCounter count) {
  const OptionalParts optional(parts);
  const auto count_with = [&](const std::vector<bool>& included) -> Result<std::size_t> {
    LATHE_TRY(const std::vector<text::Message> messages,
              build_messages(only_included(parts, optional, included)));
    return count(messages);
  };
  BuiltPrompt built;
  LATHE_TRY(built.budget, plan_budget(budget, optional.names, count_with));
  LATHE_TRY(built.messages, build_messages(only_included(parts, optional, built.budget.included)));
  return built;
}

}  // namespace lathe::prompting
