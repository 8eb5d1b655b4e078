#include "text/decoder.h"

#include <fmt/format.h>

#include "text/byte_level.h"
#include "text/json_fields.h"

namespace lathe::text {
namespace {

constexpr int kMaxDepth = 8;
constexpr std::int64_t kMaxStrip = 1024;

// The byte of "<0x41>", or -1.
int fallback_byte(std::string_view spelling) {
  if (spelling.size() != 6 || !spelling.starts_with("<0x") || spelling[5] != '>') return -1;
  int byte = 0;
  for (const char c : spelling.substr(3, 2)) {
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                             : -1;
    if (digit < 0) return -1;
    byte = byte * 16 + digit;
  }
  return byte;
}

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  for (std::size_t at; (at = text.find(from)) != std::string_view::npos;) {
    out.append(text.substr(0, at)).append(to);
    text.remove_prefix(at + from.size());
  }
  return out.append(text);
}

Error wrong_order(const char* component) {
  return Error::unsupported(fmt::format("the decoder {} in this place of the sequence", component))
      .fix_with("Lathe knows the order Replace, ByteFallback, Fuse, Strip");
}

}  // namespace

Status Decoder::add_strip(const Json& component) {
  if (!fused_ || !strip_sign_.empty()) return wrong_order("Strip");
  LATHE_TRY(std::string sign, string_field(component, "content"));
  LATHE_TRY(const std::int64_t start, int_field(component, "start"));
  LATHE_TRY(const std::int64_t stop, int_field(component, "stop"));
  if (sign.empty() || start < 0 || stop < 0 || start > kMaxStrip || stop > kMaxStrip)
    return Error::bad_input(
        fmt::format("Strip of `{}`, {} from the start and {} from the end", sign, start, stop));
  strip_sign_ = std::move(sign);
  strip_start_ = static_cast<std::int32_t>(start);
  strip_stop_ = static_cast<std::int32_t>(stop);
  return {};
}

Status Decoder::add_replace(const Json& component) {
  if (fused_ || byte_fallback_ || byte_level_) return wrong_order("Replace");
  const Json* pattern = find_field(component, "pattern");
  if (pattern == nullptr || find_field(*pattern, "String") == nullptr)
    return Error::unsupported("a Replace decoder without a string for its pattern");
  LATHE_TRY(std::string from, string_field(*pattern, "String"));
  LATHE_TRY(std::string to, string_field(component, "content"));
  if (from.empty()) return Error::bad_input("a Replace decoder of the empty string");
  replaces_.push_back({std::move(from), std::move(to)});
  return {};
}

// "▁" is a space, and nothing in the first token of a text.
Status Decoder::add_metaspace(const Json& component) {
  if (any_) return wrong_order("Metaspace");
  LATHE_TRY(std::string sign, string_field(component, "replacement"));
  LATHE_TRY(const bool prefix, bool_field(component, "add_prefix_space", true));
  LATHE_TRY(const std::string scheme,
            string_field(component, "prepend_scheme", prefix ? "always" : "never"));
  if (sign.empty()) return Error::bad_input("a Metaspace decoder without a replacement");
  if (scheme != "never") first_drops_ = sign;
  replaces_.push_back({std::move(sign), " "});
  return {};
}

Status Decoder::add(const Json& component, int depth) {
  if (depth > kMaxDepth) return Error::limit("decoders nested too deeply");
  LATHE_TRY(const std::string type, component_type(component));
  if (type == "Sequence") {
    LATHE_TRY(const Json* members, array_field(component, "decoders"));
    for (std::size_t i = 0; i < members->size(); ++i)
      LATHE_CHECK(add((*members)[i], depth + 1).at(fmt::format("decoders[{}]", i)));
    any_ = true;  // even an empty sequence joins without spaces
    return {};
  }
  if (type == "Metaspace") {
    LATHE_CHECK(add_metaspace(component));
  } else if (type == "Replace") {
    LATHE_CHECK(add_replace(component));
  } else if (type == "Strip") {
    LATHE_CHECK(add_strip(component));
  } else if (type == "Fuse") {
    fused_ = true;
  } else if (type == "ByteFallback") {
    if (fused_ || byte_level_ || byte_fallback_) return wrong_order("ByteFallback");
    byte_fallback_ = true;
  } else if (type == "ByteLevel") {
    if (any_) return wrong_order("ByteLevel");
    byte_level_ = fused_ = true;
  } else {
    return unknown_component("decoder", type);
  }
  any_ = true;
  return {};
}

Result<Decoder> Decoder::from_json(const Json& component) {
  Decoder decoder;
  if (!component.is_null()) LATHE_CHECK(decoder.add(component, 0).at("decoder"));
  return decoder;
}

std::optional<std::string> Decoder::first_token_text(std::string_view spelling) const {
  if (first_drops_.empty()) return {};
  return replaced(spelling, first_drops_, "");
}

std::string Decoder::strip_text(std::string text) const {
  std::string_view rest = text;
  const std::size_t unit = strip_sign_.size();
  for (std::int32_t i = 0; i < strip_start_ && rest.starts_with(strip_sign_); ++i)
    rest.remove_prefix(unit);
  for (std::int32_t i = 0; i < strip_stop_ && rest.ends_with(strip_sign_); ++i)
    rest.remove_suffix(unit);
  return rest.size() == text.size() ? std::move(text) : std::string(rest);
}

TokenText Decoder::token_text(std::string_view spelling) const {
  if (byte_level_) {
    std::optional<std::string> bytes = from_alphabet(spelling);
    return {bytes ? std::move(*bytes) : std::string(spelling), false};
  }
  std::string text(spelling);
  for (const Replace& replace : replaces_) text = replaced(text, replace.from, replace.to);
  if (const int byte = byte_fallback_ ? fallback_byte(text) : -1; byte >= 0)
    return {std::string(1, static_cast<char>(static_cast<unsigned char>(byte))), true};
  return {std::move(text), false};
}

}  // namespace lathe::text
