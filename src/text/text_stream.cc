#include "text/text_stream.h"

#include "text/tokenizer_parts.h"
#include "text/utf8.h"

namespace lathe::text {

TextStream::TextStream(Tokenizer tokenizer, DecodeOptions options)
    : tokenizer_(std::move(tokenizer)), options_(options) {
  restart();
}

void TextStream::restart() {
  pending_.clear();
  held_back_.clear();
  strip_left_ = tokenizer_.parts().decoder.strip_start();
  pending_is_fallback_ = false;
  first_ = true;
}

std::string TextStream::push(std::int32_t id) {
  const Tokenizer::Parts& parts = tokenizer_.parts();
  const auto index = static_cast<std::size_t>(id);
  const bool known = id >= 0 && index < parts.spellings.size() && !parts.spellings[index].empty();
  if (!known || (options_.skip_special && parts.special[index])) return {};
  const TokenText& token = parts.texts[index];
  std::string out;
  // A run of byte-fallback tokens ends here: what is left of it is damage.
  if (pending_is_fallback_ && !token.fallback) out = take_complete(true);
  if (!first_ && parts.decoder.joins_with_spaces()) pending_ += ' ';
  const auto opening =
      first_ ? parts.decoder.first_token_text(parts.spellings[index]) : std::nullopt;
  pending_ += opening ? *opening : token.bytes;
  pending_is_fallback_ = token.fallback;
  first_ = false;
  return strip(out + take_complete(false), false);
}

std::string TextStream::flush() {
  std::string out = strip(take_complete(true), true);
  restart();
  return out;
}

// Moves the characters that are whole out of pending_; at the end, everything.
std::string TextStream::take_complete(bool at_end) {
  std::string out;
  std::string_view rest = pending_;
  while (!rest.empty()) {
    const Utf8Step step = utf8_step(rest);
    if (step.kind == Utf8Step::Kind::incomplete && !at_end) break;
    if (step.kind == Utf8Step::Kind::character) {
      out += rest.substr(0, step.length);
    } else {
      // decode() replaces ill-formed parts of byte-level text, and single bytes of a fallback run.
      const std::size_t signs = pending_is_fallback_ ? step.length : 1;
      for (std::size_t i = 0; i < signs; ++i) out += kReplacementCharacter;
    }
    rest.remove_prefix(step.length);
  }
  pending_.erase(0, pending_.size() - rest.size());
  return out;
}

// Does to the stream's ends what the decoder's Strip does to a whole text's.
std::string TextStream::strip(std::string text, bool at_end) {
  const Decoder& decoder = tokenizer_.parts().decoder;
  const std::string& sign = decoder.strip_sign();
  if (sign.empty()) return text;
  text.insert(0, held_back_);
  held_back_.clear();
  std::string_view rest = text;
  while (strip_left_ > 0 && rest.starts_with(sign)) {
    rest.remove_prefix(sign.size());
    --strip_left_;
  }
  if (!rest.empty()) strip_left_ = 0;
  std::string_view kept = rest;
  for (std::int32_t i = 0; i < decoder.strip_stop() && kept.ends_with(sign); ++i)
    kept.remove_suffix(sign.size());
  if (!at_end) held_back_ = rest.substr(kept.size());
  return std::string(kept);
}

}  // namespace lathe::text
