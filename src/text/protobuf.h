// The wire format of protocol buffers, read field by field: what SentencePiece's models are
// written in. Bounded by the bytes given; groups (deprecated) are refused.
// Source: protobuf.dev/programming-guides/encoding.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"

namespace lathe::text {

struct ProtoField {
  std::uint32_t number = 0;
  std::uint64_t value = 0;  // a varint; the bits of a fixed32 or fixed64
  std::string_view bytes;   // what is length-delimited
};

class ProtoReader {
 public:
  explicit ProtoReader(std::string_view message) : rest_(message), size_(message.size()) {}

  // The next field, or nothing at the end. Errors: bytes that are no message, with their place.
  Result<std::optional<ProtoField>> next();

 private:
  Result<std::uint64_t> varint();
  Result<std::string_view> take(std::uint64_t count);
  Error damage(std::string_view what) const;

  std::string_view rest_;
  std::size_t size_;
};

}  // namespace lathe::text
