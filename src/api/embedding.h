// POST /v1/embeddings: the request, read and validated, and its answer.
// Source: OpenAI API reference, "Create embeddings".
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "api/request_limits.h"
#include "base/result.h"

namespace lathe::api {

// A text, or the token ids that it would give, those that the tokenizer adds included.
using EmbeddingInput = std::variant<std::string, std::vector<std::int32_t>>;

enum class EmbeddingFormat {
  numbers,  // "float": a list of numbers
  base64,   // f32, little-endian
};

struct EmbeddingRequest {
  std::string model;
  std::vector<EmbeddingInput> inputs;  // at least one
  EmbeddingFormat format = EmbeddingFormat::numbers;
};

// As parse_chat_request. "input" is a string, a list of strings, a list of token ids, or a list of
// such lists; at most max_inputs of them.
Result<EmbeddingRequest> parse_embedding_request(std::string_view body,
                                                 const RequestLimits& limits = {});

struct EmbeddingAnswer {
  std::vector<std::vector<float>> vectors;  // in the order of the inputs
  std::int64_t tokens = 0;                  // of all inputs
};

// The body of the answer. model: as the request named it.
std::string to_json(const EmbeddingAnswer& answer, const std::string& model,
                    EmbeddingFormat format);

// RFC 4648, with padding.
std::string base64(std::span<const std::byte> bytes);

}  // namespace lathe::api
