#include "api/embedding.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <bit>
#include <nlohmann/json.hpp>

#include "api/json_text.h"
#include "api/object_reader.h"

namespace lathe::api {
namespace {

using nlohmann::json;

static_assert(std::endian::native == std::endian::little);

constexpr std::int64_t kMostToken = std::int64_t{1} << 31;

bool is_token(const json& value) {
  return value.is_number_integer() && value.is_number_unsigned() &&
         value.get<std::uint64_t>() < static_cast<std::uint64_t>(kMostToken);
}

bool is_tokens(const json& value) {
  return value.is_array() && !value.empty() && std::all_of(value.begin(), value.end(), is_token);
}

EmbeddingInput input_of(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  return value.get<std::vector<std::int32_t>>();
}

std::vector<EmbeddingInput> read_inputs(ObjectReader& request, std::size_t most) {
  const json* input = request.field("input");
  if (input == nullptr) {
    request.fail("input", Error::bad_input("the required field 'input' is missing"));
    return {};
  }
  if (input->is_string() || is_tokens(*input)) return {input_of(*input)};
  const auto is_input = [](const json& value) { return value.is_string() || is_tokens(value); };
  if (!input->is_array() || input->empty() ||
      !std::all_of(input->begin(), input->end(), is_input)) {
    request.fail("input", Error::bad_input("expected a string, a list of strings, a list of token "
                                           "ids or a list of such lists, not " +
                                           excerpt(*input)));
    return {};
  }
  if (input->size() > most) {
    request.fail("input",
                 Error::limit(fmt::format("there are {} inputs, at most {} are taken at once",
                                          input->size(), most)));
    return {};
  }
  std::vector<EmbeddingInput> inputs;
  for (const json& value : *input) inputs.push_back(input_of(value));
  return inputs;
}

EmbeddingFormat read_format(ObjectReader& request) {
  const json* format = request.field("encoding_format");
  if (format == nullptr || *format == "float") return EmbeddingFormat::numbers;
  if (*format == "base64") return EmbeddingFormat::base64;
  request.fail("encoding_format",
               Error::bad_input("expected \"float\" or \"base64\", not " + excerpt(*format)));
  return EmbeddingFormat::numbers;
}

// Numbers as the shortest decimals that give the same f32 back.
std::string vector_json(const std::vector<float>& vector, EmbeddingFormat format) {
  if (format == EmbeddingFormat::base64)
    return fmt::format("\"{}\"", base64(std::as_bytes(std::span(vector))));
  return fmt::format("[{}]", fmt::join(vector, ","));
}

}  // namespace

Result<EmbeddingRequest> parse_embedding_request(std::string_view body,
                                                 const RequestLimits& limits) {
  LATHE_TRY(const json value, parse_json(body, limits.max_depth));
  ObjectReader reader(value, "");
  if (reader.failed()) return reader.finish().error();
  EmbeddingRequest request;
  request.model = reader.required_string("model", limits.max_name_bytes);
  request.inputs = read_inputs(reader, limits.max_inputs);
  request.format = read_format(reader);
  reader.only_neutral("dimensions");
  reader.harmless({"user"});
  LATHE_CHECK(reader.finish());
  return request;
}

std::string to_json(const EmbeddingAnswer& answer, const std::string& model,
                    EmbeddingFormat format) {
  std::string data;
  for (std::size_t i = 0; i < answer.vectors.size(); ++i) {
    data += fmt::format("{}{{\"object\":\"embedding\",\"index\":{},\"embedding\":{}}}",
                        i == 0 ? "" : ",", i, vector_json(answer.vectors[i], format));
  }
  return fmt::format(
      "{{\"object\":\"list\",\"data\":[{}],\"model\":{},"
      "\"usage\":{{\"prompt_tokens\":{},\"total_tokens\":{}}}}}",
      data, json(model).dump(), answer.tokens, answer.tokens);
}

std::string base64(std::span<const std::byte> bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8 | (k < count ? std::to_integer<std::uint32_t>(bytes[i + k]) : 0);
    for (std::size_t k = 0; k < 4; ++k)
      out += k <= count ? kDigits[group >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

}  // namespace lathe::api
