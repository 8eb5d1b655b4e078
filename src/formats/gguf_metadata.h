// The key-value metadata of a GGUF file, in memory: typed values under dotted keys, in file order.
// Getters return errors that name the key. Not thread-safe while it is being changed.
//
// Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "formats/gguf_strings.h"

namespace lathe::formats {

// The index of each alternative is the type's number in the file. Arrays of arrays do not occur.
using GgufArray =
    std::variant<std::vector<std::uint8_t>, std::vector<std::int8_t>, std::vector<std::uint16_t>,
                 std::vector<std::int16_t>, std::vector<std::uint32_t>, std::vector<std::int32_t>,
                 std::vector<float>, std::vector<bool>, GgufStrings, std::monostate,
                 std::vector<std::uint64_t>, std::vector<std::int64_t>, std::vector<double>>;
using GgufValue = std::variant<std::uint8_t, std::int8_t, std::uint16_t, std::int16_t,
                               std::uint32_t, std::int32_t, float, bool, std::string, GgufArray,
                               std::uint64_t, std::int64_t, double>;

// "uint32", "string", "array of float32", … as errors name them.
std::string type_name(const GgufValue& value);

class GgufMetadata {
 public:
  using Entry = std::pair<std::string, GgufValue>;

  std::span<const Entry> entries() const { return entries_; }
  bool has(std::string_view key) const { return find(key) != nullptr; }
  // nullptr when the key is absent.
  const GgufValue* find(std::string_view key) const;

  // Replaces the value of a key that is there, adds it at the end otherwise.
  void set(std::string key, GgufValue value);

  // The value of a key that must be there. Any integer type serves for get_int, any float type (or
  // integer) for get_float. Errors: bad_input (absent, or another type), naming the key.
  Result<std::int64_t> get_int(std::string_view key) const;
  Result<double> get_float(std::string_view key) const;
  Result<bool> get_bool(std::string_view key) const;
  // Views live as long as the metadata is unchanged.
  Result<std::string_view> get_string(std::string_view key) const;
  Result<GgufStrings> get_strings(std::string_view key) const;
  Result<std::vector<float>> get_floats(std::string_view key) const;
  Result<std::vector<std::int64_t>> get_ints(std::string_view key) const;

  // Nothing when the key is absent; an error when it has another type.
  Result<std::optional<std::int64_t>> find_int(std::string_view key) const;
  Result<std::optional<double>> find_float(std::string_view key) const;
  Result<std::optional<bool>> find_bool(std::string_view key) const;
  Result<std::optional<std::string_view>> find_string(std::string_view key) const;

 private:
  std::vector<Entry> entries_;
  std::unordered_map<std::string, std::size_t> index_;
};

}  // namespace lathe::formats
