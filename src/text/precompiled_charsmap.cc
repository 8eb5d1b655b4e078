#include "text/precompiled_charsmap.h"

#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>
#include <array>

#include "text/utf8.h"

namespace lathe::text {
namespace {

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::size_t kLongestGrapheme = 6;  // in bytes; from here on only characters are looked up

// The parts of a unit of Darts-clone.
bool has_leaf(std::uint32_t unit) { return ((unit >> 8) & 1) != 0; }
std::uint32_t value(std::uint32_t unit) { return unit & 0x7FFFFFFFu; }
std::uint32_t label(std::uint32_t unit) { return unit & 0x800000FFu; }
std::uint32_t offset(std::uint32_t unit) { return (unit >> 10) << ((unit & (1u << 9)) >> 6); }

std::uint32_t read_u32(std::string_view bytes) {
  std::uint32_t out = 0;
  for (std::size_t i = 0; i < 4; ++i)
    out |= std::uint32_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  return out;
}

Result<std::string> decode_base64(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string out;
  out.reserve(text.size() * 3 / 4);
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const std::size_t digit = kBase64.find(c);
    if (digit == std::string_view::npos) return Error::bad_input("not Base64");
    bits = (bits << 6) | static_cast<std::uint32_t>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>(static_cast<unsigned char>(bits >> count));
  }
  return out;
}

// The length of the grapheme that the text begins with. REQUIRES: valid UTF-8, not empty.
std::size_t grapheme_length(std::string_view text) {
  Utf8Step step = utf8_step(text);
  std::size_t length = step.length;
  utf8proc_int32_t state = 0;
  while (length < text.size()) {
    const Utf8Step next = utf8_step(text.substr(length));
    if (utf8proc_grapheme_break_stateful(static_cast<utf8proc_int32_t>(step.code_point),
                                         static_cast<utf8proc_int32_t>(next.code_point), &state))
      break;
    length += next.length;
    step = next;
  }
  return length;
}

}  // namespace

std::string encode_base64(std::string_view bytes) {
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k)
      bits = (bits << 8) | (k < count ? static_cast<unsigned char>(bytes[i + k]) : 0u);
    for (std::size_t k = 0; k < 4; ++k)
      out += k <= count ? kBase64[(bits >> (18 - 6 * k)) & 63] : '=';
  }
  return out;
}

Result<PrecompiledCharsmap> PrecompiledCharsmap::parse(std::string_view blob) {
  const std::size_t size = blob.size() < 4 ? blob.size() : read_u32(blob);
  if (blob.size() < 4 || size % 4 != 0 || size > blob.size() - 4)
    return Error::bad_input(
        fmt::format("a charsmap of {} bytes whose double array would have {}", blob.size(), size));
  PrecompiledCharsmap map;
  blob.remove_prefix(4);
  for (std::size_t at = 0; at < size; at += 4) map.units_.push_back(read_u32(blob.substr(at)));
  map.replacements_ = blob.substr(size);
  return map;
}

Result<PrecompiledCharsmap> PrecompiledCharsmap::parse_base64(std::string_view text) {
  LATHE_TRY(const std::string blob, decode_base64(text));
  return parse(blob);
}

// What the shortest rule that the chunk begins with puts in the place of the whole chunk.
std::optional<std::string_view> PrecompiledCharsmap::find(std::string_view chunk) const {
  if (units_.empty()) return {};
  std::size_t place = offset(units_[0]);
  for (const char c : chunk) {
    const auto byte = static_cast<unsigned char>(c);
    place ^= byte;
    if (byte == 0 || place >= units_.size() || label(units_[place]) != byte) return {};
    const std::uint32_t unit = units_[place];
    place ^= offset(unit);
    if (!has_leaf(unit)) continue;
    if (place >= units_.size()) return {};
    const std::size_t begin = value(units_[place]);
    if (begin >= replacements_.size()) return {};
    const std::string_view rest = std::string_view(replacements_).substr(begin);
    return rest.substr(0, rest.find('\0'));
  }
  return {};
}

bool PrecompiledCharsmap::append_if_found(std::string_view chunk, std::string& out) const {
  const auto replacement = find(chunk);
  if (replacement) out += *replacement;
  return replacement.has_value();
}

std::string PrecompiledCharsmap::apply(std::string_view text) const {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    std::string_view grapheme = text.substr(0, grapheme_length(text));
    text.remove_prefix(grapheme.size());
    if (grapheme.size() < kLongestGrapheme && append_if_found(grapheme, out)) continue;
    while (!grapheme.empty()) {
      const std::string_view character = grapheme.substr(0, utf8_length(grapheme[0]));
      grapheme.remove_prefix(character.size());
      if (!append_if_found(character, out)) out += character;
    }
  }
  return is_valid_utf8(out) ? out : to_valid_utf8(out);
}

}  // namespace lathe::text
