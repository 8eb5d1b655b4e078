// What the tests of src/formats share: the goldens' place, hand-made foreign bytes, and a look at
// errors. For tests only.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "os/file.h"

namespace lathe::formats {

inline os::Path golden(const std::string& name) {
  return os::Path(LATHE_SOURCE_DIR) / "testdata/goldens" / name;
}

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

// Expects an error of that kind whose message has that part.
template <class T>
void expect_error(const Result<T>& result, ErrorKind kind, std::string_view part) {
  ASSERT_FALSE(result.ok()) << "no error; expected one about " << part;
  EXPECT_EQ(result.error().kind, kind) << result.error().message();
  EXPECT_NE(result.error().message().find(part), std::string::npos) << result.error().message();
}

// The bytes of numbers and strings as binary formats lay them out, one after the other.
class ByteBuilder {
 public:
  template <class T>
  ByteBuilder& number(T value) {
    char raw[sizeof value];
    std::memcpy(raw, &value, sizeof value);
    bytes_.append(raw, sizeof value);
    return *this;
  }
  // GGUF's strings: u64 length, then the bytes.
  ByteBuilder& string(std::string_view text) {
    number(std::uint64_t{text.size()});
    return raw(text);
  }
  ByteBuilder& raw(std::string_view text) {
    bytes_ += text;
    return *this;
  }
  ByteBuilder& pad_to(std::size_t multiple) {
    bytes_.resize((bytes_.size() + multiple - 1) / multiple * multiple, '\0');
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

}  // namespace lathe::formats
