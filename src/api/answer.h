// Writes answers in OpenAI's shapes: chat.completion, chat.completion.chunk and text_completion,
// whole or as the chunks of a stream. Text that is not UTF-8 is written with U+FFFD.
// Source: OpenAI API reference, "The chat completion object", "The chat completion chunk object",
// "The completion object". The "lathe" object is Lathe's own addition; clients skip it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "api/generation.h"

namespace lathe::api {

enum class AnswerShape { chat, completion };

// What every chunk of one answer repeats.
struct AnswerHead {
  AnswerShape shape = AnswerShape::chat;
  std::string id;            // "chatcmpl-…" or "cmpl-…"
  std::int64_t created = 0;  // Unix seconds
  std::string model;         // as the client named it
  // stream_options.include_usage: chunks have "usage": null, and one more chunk has the usage.
  bool include_usage = false;
};

// How an answer ended.
struct AnswerEnd {
  FinishReason reason = FinishReason::stop;
  Usage usage;
  ServedBy served_by;
};

// The whole answer in one object, with usage.
std::string whole_answer(const AnswerHead& head, std::string_view text, const AnswerEnd& end);

// The chunks of a stream, in order: first_chunk (empty for completions, which have none), any
// number of text_chunk, and the one or two of last_chunks.
std::string first_chunk(const AnswerHead& head);
std::string text_chunk(const AnswerHead& head, std::string_view text);
std::vector<std::string> last_chunks(const AnswerHead& head, const AnswerEnd& end);

}  // namespace lathe::api
