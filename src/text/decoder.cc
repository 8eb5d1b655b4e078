#include "text/decoder.h"

#include <fmt/format.h>

#include <memory>

#include "text/byte_level.h"
#include "text/json_fields.h"
#include "text/pattern.h"

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

// English as it is written, from tokens with spaces between them.
std::string clean_up(std::string text) {
  static constexpr std::pair<std::string_view, std::string_view> kReplacements[] = {
      {" .", "."},   {" ?", "?"},     {" !", "!"},    {" ,", ","},
      {" ' ", "'"},  {" n't", "n't"}, {" 'm", "'m"},  {" do not", " don't"},
      {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
  for (const auto& [from, to] : kReplacements) text = replaced(text, from, to);
  return text;
}

std::string stripped(std::string_view text, std::string_view sign, std::int32_t start,
                     std::int32_t stop) {
  for (std::int32_t i = 0; i < start && text.starts_with(sign); ++i)
    text.remove_prefix(sign.size());
  for (std::int32_t i = 0; i < stop && text.ends_with(sign); ++i) text.remove_suffix(sign.size());
  return std::string(text);
}

Error wrong_order(const char* component) {
  return Error::unsupported(fmt::format("the decoder {} in this place of the sequence", component))
      .fix_with("Lathe knows the order Replace, ByteFallback, Fuse, Strip");
}

}  // namespace

// Steps change tokens one by one, before they become bytes.
Status Decoder::add_step(const char* type, Step step) {
  if (fused_ || byte_fallback_ || byte_level_) return wrong_order(type);
  steps_.push_back(std::move(step));
  return {};
}

Status Decoder::add_strip(const Json& component) {
  Strip strip;
  LATHE_TRY(strip.sign, string_field(component, "content"));
  LATHE_TRY(const std::int64_t start, int_field(component, "start"));
  LATHE_TRY(const std::int64_t stop, int_field(component, "stop"));
  if (strip.sign.empty() || start < 0 || stop < 0 || start > kMaxStrip || stop > kMaxStrip)
    return Error::bad_input(fmt::format("Strip of `{}`, {} from the start and {} from the end",
                                        strip.sign, start, stop));
  strip.start = static_cast<std::int32_t>(start);
  strip.stop = static_cast<std::int32_t>(stop);
  if (!fused_)
    return add_step("Strip", [strip](std::string text, TokenPlace /*place*/) {
      return stripped(text, strip.sign, strip.start, strip.stop);
    });
  if (!strip_.sign.empty()) return wrong_order("Strip");
  strip_ = std::move(strip);
  return {};
}

Status Decoder::add_replace(const Json& component) {
  LATHE_TRY(Regex regex, pattern_field(component));
  LATHE_TRY(std::string to, string_field(component, "content"));
  searches_ = true;
  return add_step("Replace", [regex = std::move(regex), to = std::move(to)](std::string text,
                                                                            TokenPlace /*place*/) {
    return regex.replace_all(text, to);
  });
}

// "▁" is a space, and nothing in the first token of a text.
Status Decoder::add_metaspace(const Json& component) {
  LATHE_TRY(std::string sign, string_field(component, "replacement"));
  LATHE_TRY(const bool prefix, bool_field(component, "add_prefix_space", true));
  LATHE_TRY(const std::string scheme,
            string_field(component, "prepend_scheme", prefix ? "always" : "never"));
  if (sign.empty()) return Error::bad_input("a Metaspace decoder without a replacement");
  const bool drops = scheme != "never";
  if (drops) first_differs_ = true;
  return add_step("Metaspace", [sign = std::move(sign), drops](std::string text, TokenPlace place) {
    return replaced(text, sign, drops && place.first ? "" : " ");
  });
}

// Tokens that continue a word lose their prefix, others have a space before them.
Status Decoder::add_word_piece(const Json& component) {
  LATHE_TRY(std::string prefix, string_field(component, "prefix", "##"));
  LATHE_TRY(const bool cleanup, bool_field(component, "cleanup", true));
  first_differs_ = true;
  return add_step("WordPiece",
                  [prefix = std::move(prefix), cleanup](std::string text, TokenPlace place) {
                    if (!place.first)
                      text = text.starts_with(prefix) ? text.substr(prefix.size()) : " " + text;
                    return cleanup ? clean_up(std::move(text)) : text;
                  });
}

// The suffix that ends a word is a space, and nothing in the last token.
Status Decoder::add_bpe(const Json& component) {
  LATHE_TRY(std::string suffix, string_field(component, "suffix", "</w>"));
  if (suffix.empty()) return Error::bad_input("a BPEDecoder without a suffix");
  last_differs_ = true;
  return add_step("BPEDecoder", [suffix = std::move(suffix)](std::string text, TokenPlace place) {
    return replaced(text, suffix, place.last ? "" : " ");
  });
}

Status Decoder::add_ctc(const Json& component) {
  if (any_) return wrong_order("CTC");
  LATHE_TRY(std::string pad, string_field(component, "pad_token", "<pad>"));
  LATHE_TRY(std::string delimiter, string_field(component, "word_delimiter_token", "|"));
  LATHE_TRY(const bool cleanup, bool_field(component, "cleanup", true));
  if (pad.empty() || (cleanup && delimiter.empty()))
    return Error::bad_input("a CTC decoder without pad_token or word_delimiter_token");
  drops_repeats_ = true;
  LATHE_CHECK(add_step("CTC", [=](std::string text, TokenPlace /*place*/) {
    text = replaced(text, pad, "");
    return cleanup ? replaced(clean_up(std::move(text)), delimiter, " ") : text;
  }));
  fused_ = true;  // nothing may follow that counts tokens
  return {};
}

Status Decoder::add_component(const std::string& type, const Json& component) {
  if (type == "Metaspace") return add_metaspace(component);
  if (type == "Replace") return add_replace(component);
  if (type == "Strip") return add_strip(component);
  if (type == "WordPiece") return add_word_piece(component);
  if (type == "BPEDecoder") return add_bpe(component);
  if (type == "CTC") return add_ctc(component);
  if (type == "Fuse") {
    fused_ = true;
    return {};
  }
  if (type == "ByteFallback") {
    if (fused_ || byte_level_ || byte_fallback_) return wrong_order("ByteFallback");
    byte_fallback_ = true;
    return {};
  }
  if (type == "ByteLevel") {
    if (fused_ || byte_fallback_) return wrong_order("ByteLevel");
    byte_level_ = fused_ = true;
    return {};
  }
  return unknown_component("decoder", type);
}

Status Decoder::add(const Json& component, int depth) {
  if (depth > kMaxDepth) return Error::limit("decoders nested too deeply");
  LATHE_TRY(const std::string type, component_type(component));
  if (type != "Sequence") {
    LATHE_CHECK(add_component(type, component));
  } else {
    LATHE_TRY(const Json* members, array_field(component, "decoders"));
    for (std::size_t i = 0; i < members->size(); ++i)
      LATHE_CHECK(add((*members)[i], depth + 1).at(fmt::format("decoders[{}]", i)));
  }
  any_ = true;  // even an empty sequence joins without spaces
  return {};
}

Result<Decoder> Decoder::from_json(const Json& component) {
  Decoder decoder;
  if (!component.is_null()) LATHE_CHECK(decoder.add(component, 0).at("decoder"));
  return decoder;
}

std::string Decoder::strip_text(std::string text) const {
  return strip_.sign.empty() ? text : stripped(text, strip_.sign, strip_.start, strip_.stop);
}

Result<TokenText> Decoder::token_text(std::string_view spelling, TokenPlace place) const {
  std::string text(spelling);
  for (const Step& step : steps_) {
    LATHE_TRY(text, step(std::move(text), place));
  }
  if (byte_level_) {
    std::optional<std::string> bytes = from_alphabet(text);
    return TokenText{bytes ? std::move(*bytes) : std::move(text), false};
  }
  if (const int byte = byte_fallback_ ? fallback_byte(text) : -1; byte >= 0)
    return TokenText{std::string(1, static_cast<char>(static_cast<unsigned char>(byte))), true};
  return TokenText{std::move(text), false};
}

Status Decoder::check(std::string_view spelling) const {
  if (!searches_) return {};
  for (const bool first : {false, first_differs_})
    for (const bool last : {false, last_differs_})
      LATHE_CHECK(token_text(spelling, {first, last}).at("decoder"));
  return {};
}

}  // namespace lathe::text
