// Chat templates: from messages to the text a model was trained on, by the model's own Jinja
// template (text/jinja). Training, evaluation and serving all render through this file.
//
// The dialect and the variables are those of Hugging Face's `apply_chat_template`: messages, tools,
// documents, add_generation_prompt, the special tokens, raise_exception, strftime_now; whitespace
// control with trim_blocks and lstrip_blocks; mutable objects cannot be changed.
//
// As there, a message that comes as JSON with one of "reasoning_content", "thinking" and
// "reasoning" has the first two in the template, whatever its sender calls it.
//
// A ChatTemplate is immutable: any number of threads may render with it at once. Rendering does no
// I/O; it is bounded in steps, depth and output (jinja/limits.h), so a hostile template ends in an
// error of kind `limit`. Errors name the line of the template.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace lathe::text {

namespace jinja {
class Template;
}

// One turn of a conversation whose content is text. Turns with more in them (tool calls, parts)
// go through ChatTemplate::render_json.
struct Message {
  std::string role;     // "system", "user", "assistant", "tool", …
  std::string content;  // UTF-8
};

// The texts of the tokenizer's special tokens, as templates read them (`{{ bos_token }}`). One that
// the tokenizer lacks is undefined in the template.
struct SpecialTokenText {
  std::optional<std::string> bos;
  std::optional<std::string> eos;
  std::optional<std::string> unk;
  std::optional<std::string> pad;
  // More of them by variable name, such as {"sep_token", "[SEP]"}.
  std::vector<std::pair<std::string, std::string>> others;
};

struct RenderOptions {
  // Ends the text with what opens an assistant's answer.
  bool add_generation_prompt = false;
  // Ends the text where the last message's own text ends, so that the model goes on with it. Not
  // together with add_generation_prompt.
  bool continue_final_message = false;
  // A JSON array of tool descriptions; empty: none.
  std::string tools_json;
  // A JSON object whose members become variables (`{"enable_thinking": false}`, "documents");
  // empty: none.
  std::string variables_json;
  // What `strftime_now` reads, in seconds since 1970 (UTC); without it, the system's clock.
  std::optional<std::int64_t> now_unix_seconds;
};

// Bytes [begin, end) of a rendered text.
struct ByteSpan {
  std::size_t begin = 0;
  std::size_t end = 0;
  bool operator==(const ByteSpan&) const = default;
};

// A conversation as training reads it.
struct RenderedChat {
  // Where the spans come from.
  enum class Source {
    prefixes,  // renders of the conversation's beginnings (exact, includes end-of-turn text)
    generation_blocks,  // the template's own {% generation %} blocks, as its author placed them
  };
  std::string text;
  // What the model must learn to write, ascending and disjoint; empty if no turn is an assistant's.
  std::vector<ByteSpan> learned;
  Source source = Source::prefixes;
};

class ChatTemplate {
 public:
  // Errors: bad_input (syntax), unsupported (a tag that no chat template needs), limit.
  static Result<ChatTemplate> parse(std::string source, SpecialTokenText special = {});

  // Errors: bad_input when the template raises (`raise_exception`) or misuses a value; limit.
  Result<std::string> render(std::span<const Message> messages,
                             const RenderOptions& options = {}) const;

  // As render, for messages given as the text of a JSON array of objects.
  Result<std::string> render_json(std::string_view messages_json,
                                  const RenderOptions& options = {}) const;

  // The whole conversation and the spans of its assistants' answers, each including the text that
  // ends the turn. An answer i begins where render(messages[0, i), generation prompt) ends and ends
  // where render(messages[0, i]) ends; both must be byte prefixes of the whole. Where they are not
  // (a template that rewrites earlier turns), the template's generation blocks are taken, and
  // without those it is an error of kind unsupported that names the turn.
  // options.add_generation_prompt and continue_final_message are taken as false.
  Result<RenderedChat> render_for_training(std::span<const Message> messages,
                                           const RenderOptions& options = {}) const;
  Result<RenderedChat> render_for_training_json(std::string_view messages_json,
                                                const RenderOptions& options = {}) const;

  const std::string& source() const;
  // FNV-1a (64 bits) of the source's bytes: an artefact that was trained with a template stores it.
  std::uint64_t hash() const;

 private:
  ChatTemplate(std::shared_ptr<const jinja::Template> parsed, SpecialTokenText special);

  std::shared_ptr<const jinja::Template> template_;
  SpecialTokenText special_;
};

}  // namespace lathe::text
