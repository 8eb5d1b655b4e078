#include "training/dataset.h"

#include <fmt/format.h>

#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>

namespace lathe::training {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t kMaxFileBytes = std::uint64_t{8} << 30;

Error row_error(std::size_t line, std::string what) {
  return Error::bad_input(std::move(what)).at(fmt::format("line {}", line));
}

Result<std::string> take_string(Json& object, const char* key, std::size_t line) {
  const auto field = object.find(key);
  if (field == object.end() || !field->is_string()) {
    return row_error(line, fmt::format("the field \"{}\" must be a string", key));
  }
  std::string value = field->get<std::string>();
  object.erase(field);
  return value;
}

Result<std::vector<text::Message>> take_messages(Json& object, std::size_t line) {
  const Json list = object["messages"];
  object.erase("messages");
  if (!list.is_array() || list.empty()) {
    return row_error(line, "the field \"messages\" must be a list with at least one message");
  }
  std::vector<text::Message> messages;
  for (Json message : list) {
    if (!message.is_object())
      return row_error(line, "a message must be an object with role and content");
    LATHE_TRY(std::string role, take_string(message, "role", line));
    LATHE_TRY(std::string content, take_string(message, "content", line));
    if (!message.empty()) {
      return row_error(line, fmt::format("a message has the field \"{}\", which is not supported",
                                         message.begin().key()));
    }
    messages.push_back({std::move(role), std::move(content)});
  }
  return messages;
}

Status take_content(Json& object, Row& row) {
  if (object.contains("messages")) {
    LATHE_TRY(row.messages, take_messages(object, row.line));
    return {};
  }
  if (object.contains("prompt")) {
    row.kind = Row::Kind::completion;
    LATHE_TRY(row.prompt, take_string(object, "prompt", row.line));
    LATHE_TRY(row.text, take_string(object, "completion", row.line));
    return {};
  }
  if (!object.contains("text")) {
    return row_error(row.line, "the row has none of the fields messages, prompt, text")
        .fix_with(
            "write rows as {\"messages\": [...]}, {\"prompt\", \"completion\"} or {\"text\"}");
  }
  LATHE_TRY(std::string text, take_string(object, "text", row.line));
  if (object.contains("label")) {
    LATHE_TRY(std::string label, take_string(object, "label", row.line));
    row.messages = {{"user", std::move(text)}, {"assistant", std::move(label)}};
    return {};
  }
  row.kind = Row::Kind::text;
  row.text = std::move(text);
  return {};
}

void append(Example& example, std::span<const std::int32_t> tokens, float weight) {
  example.tokens.insert(example.tokens.end(), tokens.begin(), tokens.end());
  example.weights.insert(example.weights.end(), tokens.size(), weight);
}

void append_eos(Example& example, const text::Tokenizer& tokenizer) {
  const auto eos = tokenizer.eos_id();
  if (!eos || (!example.tokens.empty() && example.tokens.back() == *eos)) return;
  example.tokens.push_back(*eos);
  example.weights.push_back(1);
}

}  // namespace

Result<Row> parse_row(std::string_view line, std::size_t number) {
  Row row;
  row.line = number;
  Json object = Json::parse(line, nullptr, false);
  if (object.is_discarded())
    return row_error(number, "this is not JSON").fix_with("write one object a line");
  if (!object.is_object()) return row_error(number, "the row must be a JSON object");
  LATHE_CHECK(take_content(object, row));
  for (const auto& [key, value] : object.items()) {
    if (!value.is_string()) {
      return row_error(number,
                       fmt::format("the field \"{}\" is not known; tags must be strings", key));
    }
    row.tags[key] = value.get<std::string>();
  }
  return row;
}

Result<std::vector<Row>> read_dataset(const os::Path& path) {
  LATHE_TRY(const std::string content, os::read_file(path, kMaxFileBytes));
  std::vector<Row> rows;
  std::size_t number = 0;
  for (std::size_t at = 0; at < content.size();) {
    const std::size_t end = std::min(content.find('\n', at), content.size());
    const std::string_view line = std::string_view(content).substr(at, end - at);
    at = end + 1;
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    LATHE_TRY(Row row, parse_row(line, number).at(path.string()));
    rows.push_back(std::move(row));
  }
  if (rows.empty()) return Error::bad_input("the file has no rows").at(path.string());
  return rows;
}

Result<Example> encode_row(const Row& row, const text::ChatEncoder& encoder,
                           const LossPolicy& policy) {
  Example example;
  switch (row.kind) {
    case Row::Kind::messages: {
      LATHE_TRY(const text::EncodedChat chat,
                encoder.encode_training(row.messages).at(fmt::format("line {}", row.line)));
      example.tokens = chat.tokens;
      for (const bool learned : chat.learned)
        example.weights.push_back(learned ? 1 : policy.prompt_weight);
      return example;
    }
    case Row::Kind::completion: {
      LATHE_TRY(const auto prompt,
                encoder.encode_plain(row.prompt).at(fmt::format("line {}", row.line)));
      LATHE_TRY(const auto completion,
                encoder.tokenizer().encode(row.text).at(fmt::format("line {}", row.line)));
      append(example, prompt, policy.prompt_weight);
      append(example, completion, 1);
      break;
    }
    case Row::Kind::text: {
      LATHE_TRY(const auto tokens,
                encoder.encode_plain(row.text).at(fmt::format("line {}", row.line)));
      append(example, tokens, 1);
      break;
    }
  }
  append_eos(example, encoder.tokenizer());
  return example;
}

Result<std::vector<Example>> encode_rows(const std::vector<Row>& rows,
                                         const text::ChatEncoder& encoder, const LossPolicy& policy,
                                         Parallel& parallel) {
  constexpr std::size_t kSlice = 256;
  std::vector<Example> examples(rows.size());
  std::mutex mutex;
  std::optional<Error> first_error;
  std::size_t error_row = rows.size();
  parallel.run((rows.size() + kSlice - 1) / kSlice, [&](std::size_t slice) {
    for (std::size_t i = slice * kSlice; i < std::min(rows.size(), (slice + 1) * kSlice); ++i) {
      auto example = encode_row(rows[i], encoder, policy);
      if (example.ok()) {
        examples[i] = std::move(example).value();
        continue;
      }
      const std::lock_guard lock(
          mutex);  // the first row's error is reported, whichever thread met it first
      if (i < error_row) {
        error_row = i;
        first_error = example.error();
      }
    }
  });
  if (first_error) return *std::move(first_error);
  return examples;
}

}  // namespace lathe::training
