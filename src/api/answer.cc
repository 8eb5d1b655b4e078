#include "api/answer.h"

#include <nlohmann/json.hpp>

#include "api/json_text.h"

namespace lathe::api {
namespace {

using Json = nlohmann::ordered_json;

bool is_chat(const AnswerHead& head) { return head.shape == AnswerShape::chat; }

Json usage_json(const Usage& usage) {
  return {{"prompt_tokens", usage.prompt_tokens},
          {"completion_tokens", usage.completion_tokens},
          {"total_tokens", usage.prompt_tokens + usage.completion_tokens}};
}

Json served_by_json(const ServedBy& served_by) {
  return {{"load_ms", served_by.load_ms},
          {"version", served_by.version.empty() ? Json(nullptr) : Json(served_by.version)},
          {"left_out", served_by.left_out}};
}

Json envelope(const AnswerHead& head, const char* object) {
  return {{"id", head.id}, {"object", object}, {"created", head.created}, {"model", head.model}};
}

// The choice of a whole answer or of a chunk; content is {"message": …}, {"delta": …} or
// {"text": …}.
Json choice(Json content, Json finish_reason) {
  Json made = {{"index", 0}};
  made.update(content);
  made["logprobs"] = nullptr;
  made["finish_reason"] = std::move(finish_reason);
  return made;
}

Json chunk(const AnswerHead& head, Json choices) {
  Json made = envelope(head, is_chat(head) ? "chat.completion.chunk" : "text_completion");
  made["choices"] = std::move(choices);
  if (head.include_usage) made["usage"] = nullptr;
  return made;
}

Json content_chunk(const AnswerHead& head, Json delta, std::string_view text, Json finish_reason) {
  Json content = is_chat(head) ? Json{{"delta", std::move(delta)}} : Json{{"text", text}};
  return chunk(head, Json::array({choice(std::move(content), std::move(finish_reason))}));
}

}  // namespace

std::string whole_answer(const AnswerHead& head, std::string_view text, const AnswerEnd& end) {
  Json made = envelope(head, is_chat(head) ? "chat.completion" : "text_completion");
  Json content =
      is_chat(head)
          ? Json{{"message", {{"role", "assistant"}, {"content", text}, {"refusal", nullptr}}}}
          : Json{{"text", text}};
  made["choices"] = Json::array({choice(std::move(content), to_string(end.reason))});
  made["usage"] = usage_json(end.usage);
  made["lathe"] = served_by_json(end.served_by);
  return compact(made);
}

std::string first_chunk(const AnswerHead& head) {
  if (!is_chat(head)) return {};
  return compact(content_chunk(head, {{"role", "assistant"}, {"content", ""}}, "", nullptr));
}

std::string text_chunk(const AnswerHead& head, std::string_view text) {
  return compact(content_chunk(head, {{"content", text}}, text, nullptr));
}

std::vector<std::string> last_chunks(const AnswerHead& head, const AnswerEnd& end) {
  std::vector<Json> chunks = {content_chunk(head, Json::object(), "", to_string(end.reason))};
  if (head.include_usage) {
    chunks.push_back(chunk(head, Json::array()));
    chunks.back()["usage"] = usage_json(end.usage);
  }
  chunks.back()["lathe"] = served_by_json(end.served_by);
  std::vector<std::string> texts;
  for (const Json& each : chunks) texts.push_back(compact(each));
  return texts;
}

}  // namespace lathe::api
