#include "text/chat_template.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "text/final_message.h"
#include "text/jinja/json.h"
#include "text/jinja/template.h"

namespace lathe::text {
namespace {

using jinja::Kind;
using jinja::Rendered;
using jinja::RenderInput;
using jinja::SequencePointer;
using jinja::Value;
using jinja::Variables;

constexpr std::string_view kPlace = "chat template";

std::int64_t resolve_now(const RenderOptions& options) {
  if (options.now_unix_seconds) return *options.now_unix_seconds;
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::vector<Value> messages_from(std::span<const Message> messages) {
  std::vector<Value> values;
  for (const Message& message : messages) {
    auto members = std::make_shared<jinja::Mapping>();
    // String keys are always accepted.
    LATHE_ASSERT(members->set(Value("role"), Value(message.role)).ok());
    LATHE_ASSERT(members->set(Value("content"), Value(message.content)).ok());
    values.emplace_back(jinja::MappingPointer(std::move(members)));
  }
  return values;
}

Result<SequencePointer> objects_in(const Value& value, std::string_view what) {
  SequencePointer list = value.sequence_pointer();
  if (!list) return Error::bad_input("not a JSON array").at(std::string(what));
  for (std::size_t i = 0; i < list->items.size(); ++i)
    if (!list->items[i].mapping())
      return Error::bad_input("not a JSON object").at(fmt::format("{}[{}]", what, i));
  return list;
}

// Reasoning goes by three names; templates read the first or the second.
Result<Value> with_reasoning_names(const Value& message) {
  constexpr std::array<std::string_view, 3> kNames = {"reasoning_content", "thinking", "reasoning"};
  const jinja::Mapping& members = *message.mapping();
  for (const std::string_view name : kNames) {
    const Value* reasoning = members.find(name);
    if (!reasoning || reasoning->is(Kind::none)) continue;
    auto named = std::make_shared<jinja::Mapping>();
    LATHE_CHECK(named->set(Value("thinking"), *reasoning));
    for (const auto& [key, value] : members.entries()) LATHE_CHECK(named->set(key, value));
    LATHE_CHECK(named->set(Value("reasoning_content"), *reasoning));
    return Value(jinja::MappingPointer(std::move(named)));
  }
  return message;
}

Result<std::vector<Value>> messages_from_json(std::string_view json) {
  LATHE_TRY(const Value value, jinja::read_json(json).at("messages"));
  LATHE_TRY(const SequencePointer list, objects_in(value, "messages"));
  std::vector<Value> messages;
  for (const Value& message : list->items) {
    LATHE_TRY(Value named, with_reasoning_names(message));
    messages.push_back(std::move(named));
  }
  return messages;
}

Status add_options(Variables& variables, const RenderOptions& options) {
  Value tools;
  if (!options.tools_json.empty()) {
    LATHE_TRY(tools, jinja::read_json(options.tools_json).at("tools"));
    LATHE_CHECK(objects_in(tools, "tools"));
  }
  variables.emplace_back("tools", std::move(tools));
  if (options.variables_json.empty()) return {};
  LATHE_TRY(const Value extra, jinja::read_json(options.variables_json).at("template variables"));
  if (!extra.mapping()) return Error::bad_input("not a JSON object").at("template variables");
  for (const auto& [key, value] : extra.mapping()->entries()) {
    constexpr std::array<std::string_view, 3> kTaken = {"messages", "tools",
                                                        "add_generation_prompt"};
    const std::string& name = *key.string();
    if (std::find(kTaken.begin(), kTaken.end(), name) != kTaken.end())
      return Error::bad_input(fmt::format("the variable '{}' is set by Lathe", name))
          .at("template variables")
          .fix_with("give it another name");
    if (name == "documents" && !value.is(Kind::none)) LATHE_CHECK(objects_in(value, "documents"));
    variables.emplace_back(name, value);
  }
  return {};
}

void add_special_tokens(Variables& variables, const SpecialTokenText& special) {
  const auto add = [&](const char* name, const std::optional<std::string>& text) {
    if (text) variables.emplace_back(name, Value(*text));
  };
  add("bos_token", special.bos);
  add("eos_token", special.eos);
  add("unk_token", special.unk);
  add("pad_token", special.pad);
  for (const auto& [name, text] : special.others) variables.emplace_back(name, Value(text));
}

std::string_view role_of(const Value& message) {
  const Value* role = message.mapping()->find(std::string_view("role"));
  return role && role->string() ? std::string_view(*role->string()) : std::string_view();
}

// Renders the beginnings of one conversation. The template and the messages outlive it.
class Conversation {
 public:
  Conversation(const jinja::Template& parsed, const std::vector<Value>& messages)
      : template_(parsed), messages_(messages) {}

  Status prepare(const SpecialTokenText& special, const RenderOptions& options) {
    input_.now_unix_seconds = resolve_now(options);
    // The first variable of a name counts.
    input_.variables.emplace_back("messages", Value());
    input_.variables.emplace_back("add_generation_prompt", Value());
    LATHE_CHECK(add_options(input_.variables, options));
    input_.variables.emplace_back("documents", Value());
    add_special_tokens(input_.variables, special);
    return {};
  }

  // The first `count` messages.
  Result<Rendered> render(std::size_t count, bool add_generation_prompt) {
    const auto end = messages_.begin() + static_cast<std::ptrdiff_t>(count);
    input_.variables[0].second = Value::list(std::vector<Value>(messages_.begin(), end));
    input_.variables[1].second = Value(add_generation_prompt);
    return template_.render(input_).at(std::string(kPlace));
  }
  Result<Rendered> render_all(bool add_generation_prompt) {
    return render(messages_.size(), add_generation_prompt);
  }

  // The answer number `turn` within the text of the whole conversation.
  Result<ByteSpan> find_answer(std::string_view whole, std::size_t turn) {
    LATHE_TRY(const Rendered before, render(turn, true));
    LATHE_TRY(const Rendered after, render(turn + 1, false));
    if (!whole.starts_with(before.text))
      return Error::unsupported("what comes before it renders differently in the whole");
    if (!whole.starts_with(after.text))
      return Error::unsupported("it renders differently when more turns follow");
    if (after.text.size() < before.text.size())
      return Error::unsupported("it renders shorter than the prompt for it");
    return ByteSpan{before.text.size(), after.text.size()};
  }

  Result<std::vector<ByteSpan>> find_answers(std::string_view whole) {
    std::vector<ByteSpan> spans;
    for (std::size_t turn = 0; turn < messages_.size(); ++turn) {
      if (role_of(messages_[turn]) != "assistant") continue;
      const std::string place = fmt::format("messages[{}]", turn);
      LATHE_TRY(const ByteSpan span, find_answer(whole, turn).at(place));
      if (!spans.empty() && span.begin < spans.back().end)
        return Error::unsupported("it overlaps the answer before it").at(place);
      spans.push_back(span);
    }
    return spans;
  }

 private:
  const jinja::Template& template_;
  const std::vector<Value>& messages_;
  RenderInput input_;
};

Result<std::string> continue_last(const jinja::Template& parsed, const SpecialTokenText& special,
                                  const std::vector<Value>& messages,
                                  const RenderOptions& options) {
  if (options.add_generation_prompt)
    return Error::bad_input("the last message cannot both be continued and be answered")
        .fix_with("leave out add_generation_prompt or continue_final_message");
  LATHE_TRY(const MarkedMessages marked, mark_final_message(messages));
  Conversation conversation(parsed, marked.messages);
  LATHE_CHECK(conversation.prepare(special, options));
  LATHE_TRY(Rendered rendered, conversation.render_all(false));
  return cut_at_mark(std::move(rendered.text), marked.final_text).at(std::string(kPlace));
}

Result<std::string> render_text(const jinja::Template& parsed, const SpecialTokenText& special,
                                const std::vector<Value>& messages, const RenderOptions& options) {
  if (options.continue_final_message) return continue_last(parsed, special, messages, options);
  Conversation conversation(parsed, messages);
  LATHE_CHECK(conversation.prepare(special, options));
  LATHE_TRY(Rendered rendered, conversation.render_all(options.add_generation_prompt));
  return std::move(rendered.text);
}

Result<RenderedChat> render_learned(const jinja::Template& parsed, const SpecialTokenText& special,
                                    const std::vector<Value>& messages,
                                    const RenderOptions& options) {
  Conversation conversation(parsed, messages);
  LATHE_CHECK(conversation.prepare(special, options));
  LATHE_TRY(Rendered whole, conversation.render_all(false));
  auto answers = conversation.find_answers(whole.text);
  if (answers.ok())
    return RenderedChat{std::move(whole.text), std::move(answers).value(),
                        RenderedChat::Source::prefixes};
  if (!whole.generations.empty() && !whole.generation_lost) {
    RenderedChat chat{std::move(whole.text), {}, RenderedChat::Source::generation_blocks};
    for (const auto& span : whole.generations)
      if (span.begin < span.end) chat.learned.push_back({span.begin, span.end});
    return chat;
  }
  return Error::unsupported("the template does not show which text is the assistant's: " +
                            answers.error().message())
      .at(std::string(kPlace))
      .fix_with(
          "train on conversations with one answer, or mark the answers in the template with "
          "{% generation %} … {% endgeneration %}");
}

}  // namespace

ChatTemplate::ChatTemplate(std::shared_ptr<const jinja::Template> parsed, SpecialTokenText special)
    : template_(std::move(parsed)), special_(std::move(special)) {}

Result<ChatTemplate> ChatTemplate::parse(std::string source, SpecialTokenText special) {
  LATHE_TRY(jinja::Template parsed,
            jinja::Template::parse(std::move(source)).at(std::string(kPlace)));
  return ChatTemplate(std::make_shared<const jinja::Template>(std::move(parsed)),
                      std::move(special));
}

Result<std::string> ChatTemplate::render(std::span<const Message> messages,
                                         const RenderOptions& options) const {
  return render_text(*template_, special_, messages_from(messages), options);
}

Result<std::string> ChatTemplate::render_json(std::string_view messages_json,
                                              const RenderOptions& options) const {
  LATHE_TRY(const std::vector<Value> messages, messages_from_json(messages_json));
  return render_text(*template_, special_, messages, options);
}

Result<RenderedChat> ChatTemplate::render_for_training(std::span<const Message> messages,
                                                       const RenderOptions& options) const {
  return render_learned(*template_, special_, messages_from(messages), options);
}

Result<RenderedChat> ChatTemplate::render_for_training_json(std::string_view messages_json,
                                                            const RenderOptions& options) const {
  LATHE_TRY(const std::vector<Value> messages, messages_from_json(messages_json));
  return render_learned(*template_, special_, messages, options);
}

const std::string& ChatTemplate::source() const { return template_->source(); }

std::uint64_t ChatTemplate::hash() const {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const char byte : source()) {
    hash ^= static_cast<unsigned char>(byte);
    hash *= 0x100000001b3u;
  }
  return hash;
}

}  // namespace lathe::text
