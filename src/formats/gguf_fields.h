// What a GGUF file says of one architecture: the keys of its own namespace ("llama.block_count" is
// "block_count" here) and which tensors it has. Internal to src/formats; the families' files read
// through it and write through GgufKeys.
//
// Source: gguf-py's constants (Keys) and llama.cpp's llama-arch.cpp.
#pragma once

#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "formats/decoder_config.h"
#include "formats/gguf_metadata.h"

namespace lathe::formats {

class GgufFields {
 public:
  // metadata and facts must outlive it.
  GgufFields(const GgufMetadata& metadata, const GgufTensorFacts& facts,
             std::string_view architecture)
      : metadata_(metadata), facts_(facts), prefix_(std::string(architecture) + ".") {}

  // The whole key, as errors name it.
  std::string name(std::string_view key) const { return prefix_ + std::string(key); }
  bool has(std::string_view key) const { return metadata_.has(name(key)); }
  const GgufMetadata& metadata() const { return metadata_; }
  const GgufTensorFacts& facts() const { return facts_; }

  // Numbers are given as the shortest decimal of their f32, so that a config is the same whether it
  // came through a GGUF file or not: 1e-05 and not 9.99999974737875e-06.
  Result<std::int64_t> get_int(std::string_view key) const { return metadata_.get_int(name(key)); }
  Result<double> get_number(std::string_view key) const;
  Result<std::optional<std::int64_t>> find_int(std::string_view key) const {
    return metadata_.find_int(name(key));
  }
  Result<std::optional<double>> find_number(std::string_view key) const;
  Result<std::optional<bool>> find_bool(std::string_view key) const {
    return metadata_.find_bool(name(key));
  }
  Result<std::optional<std::string_view>> find_string(std::string_view key) const {
    return metadata_.find_string(name(key));
  }
  // A count that some files give once for each layer; all must then be the same.
  Result<std::int64_t> get_uniform(std::string_view key) const;

  // Every key of the namespace is one of these; unsupported names the first that is not: it would
  // change what the model computes.
  Status check_known(std::initializer_list<std::span<const std::string_view>> known) const;
  // The field is absent or has this value, which changes nothing; unsupported names it otherwise.
  Status allow_only(std::string_view key, double harmless) const;

 private:
  const GgufMetadata& metadata_;
  const GgufTensorFacts& facts_;
  std::string prefix_;
};

// Puts keys into the namespace of one architecture.
class GgufKeys {
 public:
  GgufKeys(GgufMetadata& metadata, std::string_view architecture)
      : metadata_(metadata), prefix_(std::string(architecture) + ".") {}

  void put(std::string_view key, GgufValue value) {
    metadata_.set(prefix_ + std::string(key), std::move(value));
  }
  void put_count(std::string_view key, std::int64_t value) {
    put(key, static_cast<std::uint32_t>(value));
  }
  void put_number(std::string_view key, double value) { put(key, static_cast<float>(value)); }
  // Keys outside the namespace ("lathe.…").
  GgufMetadata& metadata() { return metadata_; }

 private:
  GgufMetadata& metadata_;
  std::string prefix_;
};

// The shortest decimal that gives this f32, as a double; a double that is no f32 stays as it is.
double shortest(double value);

}  // namespace lathe::formats
