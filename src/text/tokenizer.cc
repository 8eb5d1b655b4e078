#include "text/tokenizer.h"

#include <fmt/format.h>

#include "text/tokenizer_parts.h"
#include "text/utf8.h"

namespace lathe::text {
namespace {

// One call of encode(): text in, ids appended.
class Encoding {
 public:
  Encoding(const Tokenizer::Parts& parts, bool parse_special, std::vector<std::int32_t>& out)
      : parts_(parts), parse_special_(parse_special), out_(out), scratch_(parts.scratches.take()) {}
  ~Encoding() { parts_.scratches.give_back(std::move(scratch_)); }
  Encoding(const Encoding&) = delete;
  Encoding& operator=(const Encoding&) = delete;

  Status run(std::string_view text) {
    parts_.added_before.split(text, parse_special_, [&](AddedPiece piece) {
      if (piece.id)
        out_.push_back(*piece.id);
      else
        normalize({piece.text, piece.text.data() == text.data()});
    });
    return std::move(status_);
  }

 private:
  void normalize(Piece piece) {
    if (parts_.normalizer.changes_nothing()) return find_normalized(piece);
    const auto normalized = parts_.normalizer.apply(piece.text);
    if (!normalized.ok()) return keep(normalized.error());
    find_normalized({*normalized, piece.first});
  }

  void find_normalized(Piece piece) {
    parts_.added_after.split(piece.text, parse_special_, [&](AddedPiece part) {
      const bool first = piece.first && part.text.data() == piece.text.data();
      if (part.id)
        out_.push_back(*part.id);
      else
        cut({part.text, first});
    });
  }

  void cut(Piece piece) {
    const Status status =
        parts_.pre_tokenizer.run(piece, [&](Piece word) { encode_word(word.text); });
    if (!status.ok()) keep(status.error());
  }

  void keep(const Error& error) {
    if (status_.ok()) status_ = error;
  }

  void encode_word(std::string_view word) {
    if (word.size() > WordCache::kMaxBytes)
      return parts_.model->encode(word, out_, scratch_->model);
    WordCache::Entry& entry = scratch_->words.place_of(word);
    if (entry.holds(word)) {
      const auto ids = entry.found();
      out_.insert(out_.end(), ids.begin(), ids.end());
      return;
    }
    const std::size_t before = out_.size();
    parts_.model->encode(word, out_, scratch_->model);
    entry.put(word, std::span(out_).subspan(before));
  }

  const Tokenizer::Parts& parts_;
  bool parse_special_;
  std::vector<std::int32_t>& out_;
  std::unique_ptr<EncodeScratch> scratch_;
  Status status_;  // the first error
};

bool in_range(const Tokenizer::Parts& parts, std::int32_t id) {
  return id >= 0 && static_cast<std::size_t>(id) < parts.tables.size();
}

// The ids that leave text: those with a token, less the control tokens when they are skipped and
// what the decoder drops.
std::vector<std::size_t> visible(const Tokenizer::Parts& parts, std::span<const std::int32_t> ids,
                                 bool skip_special) {
  std::vector<std::size_t> out;
  for (const std::int32_t id : ids) {
    if (!in_range(parts, id)) continue;
    const auto index = static_cast<std::size_t>(id);
    if (parts.tables.spellings[index].empty() || (skip_special && parts.tables.is_special(index)))
      continue;
    if (parts.decoder.drops_repeats() && !out.empty() && out.back() == index) continue;
    out.push_back(index);
  }
  return out;
}

// A run of byte-fallback tokens is text when all of it is valid, else one U+FFFD for each byte.
void append_fallback(std::string& out, std::string& run) {
  if (is_valid_utf8(run)) {
    out += run;
  } else {
    for (std::size_t i = 0; i < run.size(); ++i) out += kReplacementCharacter;
  }
  run.clear();
}

}  // namespace

Tokenizer Tokenizer::with_control_tokens(ControlTokens tokens) const {
  for (const auto& id : {tokens.bos, tokens.eos}) LATHE_ASSERT(!id || in_range(*parts_, *id));
  return Tokenizer(parts_, tokens);
}

Result<std::vector<std::int32_t>> Tokenizer::encode(std::string_view text,
                                                    EncodeOptions options) const {
  LATHE_ASSERT(text.size() < kMaxTextBytes);
  std::vector<std::int32_t> out;
  const PostProcessor& post = parts_->post_processor;
  if (options.add_special_tokens) out = post.before;
  Encoding encoding(*parts_, options.parse_special, out);
  LATHE_CHECK(is_valid_utf8(text) ? encoding.run(text) : encoding.run(to_valid_utf8(text)));
  if (options.add_special_tokens) out.insert(out.end(), post.after.begin(), post.after.end());
  return out;
}

std::string Tokenizer::decode(std::span<const std::int32_t> ids, DecodeOptions options) const {
  const Decoder& decoder = parts_->decoder;
  std::string out, fallback;
  const std::vector<std::size_t> shown = visible(*parts_, ids, options.skip_special);
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const TokenPlace place{i == 0, i + 1 == shown.size()};
    const TokenText text = parts_->text_at(shown[i], place);
    if (text.fallback) {
      fallback += text.bytes;
      continue;
    }
    append_fallback(out, fallback);
    if (!place.first && decoder.joins_with_spaces()) out += ' ';
    out += text.bytes;
  }
  append_fallback(out, fallback);
  if (decoder.is_byte_level() && !is_valid_utf8(out)) out = to_valid_utf8(out);
  return decoder.strip_text(std::move(out));
}

std::int32_t Tokenizer::vocab_size() const {
  return static_cast<std::int32_t>(parts_->tables.size());
}

std::optional<std::int32_t> Tokenizer::token_to_id(std::string_view token) const {
  const std::int32_t id = parts_->tables.ids.find(token);
  if (id < 0) return {};
  return id;
}

std::string_view Tokenizer::id_to_token(std::int32_t id) const {
  return in_range(*parts_, id) ? parts_->tables.spellings[static_cast<std::size_t>(id)]
                               : std::string_view();
}

std::string_view Tokenizer::token_bytes(std::int32_t id) const {
  return in_range(*parts_, id) ? parts_->tables.texts[static_cast<std::size_t>(id)]
                               : std::string_view();
}

bool Tokenizer::is_special(std::int32_t id) const {
  return in_range(*parts_, id) && parts_->tables.is_special(static_cast<std::size_t>(id));
}

std::optional<std::int32_t> Tokenizer::bos_id() const { return control_.bos; }
std::optional<std::int32_t> Tokenizer::eos_id() const { return control_.eos; }

std::string Tokenizer::hash() const { return fmt::format("{:016x}", parts_->hash()); }

}  // namespace lathe::text
