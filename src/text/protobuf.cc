#include "text/protobuf.h"

#include <fmt/format.h>

namespace lathe::text {
namespace {

std::uint64_t little_endian(std::string_view bytes) {
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    out |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  return out;
}

}  // namespace

Error ProtoReader::damage(std::string_view what) const {
  return Error::bad_input(
             fmt::format("{} at byte {} of a message of {}", what, size_ - rest_.size(), size_))
      .fix_with("the file may be cut short: fetch it again");
}

Result<std::uint64_t> ProtoReader::varint() {
  std::uint64_t out = 0;
  for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(rest_[0]);
    rest_.remove_prefix(1);
    out |= std::uint64_t{byte & 0x7Fu} << shift;
    if (byte < 0x80) return out;
  }
  return damage("a number without an end");
}

Result<std::string_view> ProtoReader::take(std::uint64_t count) {
  if (count > rest_.size()) return damage(fmt::format("a field of {} bytes", count));
  const std::string_view out = rest_.substr(0, count);
  rest_.remove_prefix(count);
  return out;
}

Result<std::optional<ProtoField>> ProtoReader::next() {
  if (rest_.empty()) return std::optional<ProtoField>();
  LATHE_TRY(const std::uint64_t key, varint());
  if (key >> 3 == 0 || key >> 32 != 0) return damage("a field without a number");
  ProtoField field;
  field.number = static_cast<std::uint32_t>(key >> 3);
  switch (key & 7) {
    case 0: {
      LATHE_TRY(field.value, varint());
      break;
    }
    case 1:
    case 5: {
      LATHE_TRY(const std::string_view bytes, take((key & 7) == 1 ? 8 : 4));
      field.value = little_endian(bytes);
      break;
    }
    case 2: {
      LATHE_TRY(const std::uint64_t count, varint());
      LATHE_TRY(field.bytes, take(count));
      break;
    }
    default:
      return damage(fmt::format("a field of type {}", key & 7));
  }
  return std::optional(field);
}

}  // namespace lathe::text
