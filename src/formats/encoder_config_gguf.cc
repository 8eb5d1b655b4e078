// EncoderConfig from the metadata of a GGUF file of architecture "bert", which is what llama.cpp's
// converter writes for BERT, RoBERTa and XLM-R alike: it cuts the rows below RoBERTa's first
// position off the table, so that positions count from 0.
//
// The file does not say which activation the model has; llama.cpp always takes GELU, and the
// models that are converted have it by the error function, which is what is computed here.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "formats/encoder_config.h"
#include "formats/foreign_text.h"
#include "formats/gguf_fields.h"

namespace lathe::formats {
namespace {

constexpr std::string_view kArchitecture = "bert";

// Keys of the architecture's own namespace that are read here or in embedding_config.cc. Any other
// could change what the model computes, so it is refused by name.
constexpr std::array<std::string_view, 12> kKnownKeys{"vocab_size",
                                                      "context_length",
                                                      "embedding_length",
                                                      "block_count",
                                                      "feed_forward_length",
                                                      "attention.head_count",
                                                      "attention.head_count_kv",
                                                      "attention.key_length",
                                                      "attention.value_length",
                                                      "attention.layer_norm_epsilon",
                                                      "attention.causal",
                                                      "pooling_type"};

std::string key_of(std::string_view key) { return fmt::format("{}.{}", kArchitecture, key); }

Status check_keys(const GgufMetadata& metadata) {
  const std::string prefix = key_of("");
  for (const auto& [key, value] : metadata.entries()) {
    if (!key.starts_with(prefix)) continue;
    const std::string_view own = std::string_view(key).substr(prefix.size());
    if (std::find(kKnownKeys.begin(), kKnownKeys.end(), own) == kKnownKeys.end())
      return Error::unsupported(fmt::format("metadata {} is not supported", in_quotes(key)));
  }
  LATHE_TRY(const bool causal, metadata.get_bool(key_of("attention.causal")));
  if (!causal) return {};
  return Error::unsupported(
      fmt::format("{} is true, which is not supported in an encoder", key_of("attention.causal")));
}

// A key that may only repeat what follows from others.
Status check_repeated(const GgufMetadata& metadata, std::string_view key, std::int64_t expected) {
  LATHE_TRY(const auto given, metadata.find_int(key_of(key)));
  if (given.value_or(expected) == expected) return {};
  return Error::unsupported(
      fmt::format("{} is {}; only {} is supported here", key_of(key), *given, expected));
}

Result<std::int64_t> read_vocab_size(const GgufMetadata& metadata) {
  if (!metadata.has("tokenizer.ggml.tokens")) return metadata.get_int(key_of("vocab_size"));
  LATHE_TRY(const auto tokens, metadata.get_strings("tokenizer.ggml.tokens"));
  const auto count = static_cast<std::int64_t>(tokens.size());
  LATHE_TRY(const auto given, metadata.find_int(key_of("vocab_size")));
  if (given.value_or(count) < count)
    return Error::bad_input(fmt::format("tokenizer.ggml.tokens has {} tokens, {} is {}", count,
                                        key_of("vocab_size"), *given));
  return given.value_or(count);
}

Result<EncoderConfig> read_config(const GgufMetadata& metadata, std::int64_t token_types) {
  LATHE_TRY(const std::string_view architecture, metadata.get_string("general.architecture"));
  if (architecture != kArchitecture)
    return Error::unsupported(fmt::format("the architecture {} is no encoder that is supported",
                                          in_quotes(architecture)));
  LATHE_CHECK(check_keys(metadata));
  EncoderConfig c;
  LATHE_TRY(c.vocab_size, read_vocab_size(metadata));
  LATHE_TRY(c.hidden_size, metadata.get_int(key_of("embedding_length")));
  LATHE_TRY(c.intermediate_size, metadata.get_int(key_of("feed_forward_length")));
  LATHE_TRY(c.layers, metadata.get_int(key_of("block_count")));
  LATHE_TRY(c.heads, metadata.get_int(key_of("attention.head_count")));
  LATHE_TRY(c.positions, metadata.get_int(key_of("context_length")));
  c.token_types = token_types;
  LATHE_TRY(const double eps, metadata.get_float(key_of("attention.layer_norm_epsilon")));
  c.norm_eps = shortest(eps);
  LATHE_CHECK(check(c));
  LATHE_CHECK(check_repeated(metadata, "attention.head_count_kv", c.heads));
  LATHE_CHECK(check_repeated(metadata, "attention.key_length", c.hidden_size / c.heads));
  LATHE_CHECK(check_repeated(metadata, "attention.value_length", c.hidden_size / c.heads));
  return c;
}

}  // namespace

Result<EncoderConfig> encoder_config_from_gguf(const GgufMetadata& metadata,
                                               std::int64_t token_types) {
  return read_config(metadata, token_types);
}

}  // namespace lathe::formats
