#include "text/text_stream.h"

#include <algorithm>
#include <utility>

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
  open_end_ = {};
  strip_left_ = tokenizer_.parts().decoder.strip_start();
  pending_is_fallback_ = false;
  first_ = true;
  last_id_ = -1;
}

std::string TextStream::push(std::int32_t id) {
  const Tokenizer::Parts& parts = tokenizer_.parts();
  const auto index = static_cast<std::size_t>(id);
  const bool known =
      id >= 0 && index < parts.tables.size() && !parts.tables.spellings[index].empty();
  if (!known || (options_.skip_special && parts.tables.is_special(index))) return {};
  if (parts.decoder.drops_repeats() && id == last_id_) return {};
  last_id_ = id;
  const bool is_fallback = parts.tables.has_mark(index, token_mark::kFallback);
  std::string out;
  // A run of byte-fallback tokens ends here: what is left of it is damage.
  if (pending_is_fallback_ && !is_fallback) out = take_complete(true);
  pending_ += std::exchange(open_end_, {}).in_the_middle;
  append(index);
  pending_is_fallback_ = is_fallback;
  first_ = false;
  return strip(out + take_complete(false), false);
}

// What the token adds; where that depends on whether it is the last one, only what is sure.
void TextStream::append(std::size_t index) {
  const Tokenizer::Parts& parts = tokenizer_.parts();
  const Decoder& decoder = parts.decoder;
  if (!first_ && decoder.joins_with_spaces()) pending_ += ' ';
  const std::string text = parts.text_at(index, {.first = first_}).bytes;
  if (!decoder.last_differs()) {
    pending_ += text;
    return;
  }
  const std::string at_end = parts.text_at(index, {.first = first_, .last = true}).bytes;
  const auto same = static_cast<std::size_t>(
      std::mismatch(text.begin(), text.end(), at_end.begin(), at_end.end()).first - text.begin());
  pending_ += text.substr(0, same);
  open_end_ = {text.substr(same), at_end.substr(same)};
}

std::string TextStream::flush() {
  pending_ += open_end_.at_the_end;
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
