#include "text/pre_tokenizer.h"

#include <fmt/format.h>

#include "text/byte_level.h"
#include "text/char_class.h"
#include "text/json_fields.h"
#include "text/known_split.h"
#include "text/pattern.h"
#include "text/split_stage.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace lathe::text {
namespace {

constexpr int kMaxPreTokenizerDepth = 8;
constexpr std::size_t kMaxStages = 32;

// ByteLevel's add_prefix_space.
class PrefixSpaceStage final : public PreTokenizerStage {
 public:
  Status run(Piece piece, PieceSink emit) const override {
    if (piece.text.substr(0, 1) == " ") {
      emit(piece);
    } else {
      emit({" " + std::string(piece.text), piece.first});
    }
    return {};
  }
};

// Writes bytes in the byte-level alphabet, for a stage that reads it.
class AlphabetStage final : public PreTokenizerStage {
 public:
  Status run(Piece piece, PieceSink emit) const override {
    emit({to_alphabet(piece.text), piece.first});
    return {};
  }
};

// Cutting by a class of characters.
class CharStage final : public PreTokenizerStage {
 public:
  using Test = bool (*)(char32_t);
  CharStage(Test test, SplitBehavior behavior) : test_(test), behavior_(behavior) {}

  Status run(Piece piece, PieceSink emit) const override {
    PartSplitter splitter(piece, behavior_, emit);
    for (std::size_t at = 0; at < piece.text.size();) {
      const Utf8Step step = utf8_step(piece.text.substr(at));
      at += step.length;
      if (test_(step.code_point)) {
        splitter.add(at - step.length, false);
        splitter.add(at, true);
      }
    }
    splitter.finish();
    return {};
  }

 private:
  Test test_;
  SplitBehavior behavior_;
};

// Runs of word characters and runs of signs, white space dropped.
class WhitespaceStage final : public PreTokenizerStage {
 public:
  Status run(Piece piece, PieceSink emit) const override {
    std::size_t begin = 0;
    Kind kind = Kind::space;
    const auto pass_on = [&](std::size_t end) {
      if (kind != Kind::space)
        emit({piece.text.substr(begin, end - begin), piece.first && begin == 0});
      begin = end;
    };
    for (std::size_t at = 0; at < piece.text.size();) {
      const Utf8Step step = utf8_step(piece.text.substr(at));
      if (const Kind next = kind_of(step.code_point); next != kind) {
        pass_on(at);
        kind = next;
      }
      at += step.length;
    }
    pass_on(piece.text.size());
    return {};
  }

 private:
  enum class Kind { space, word, sign };
  static Kind kind_of(char32_t c) {
    if (is_word_character(c)) return Kind::word;
    return is_white_space(c) ? Kind::space : Kind::sign;
  }
};

// Words of so many characters each.
class FixedLengthStage final : public PreTokenizerStage {
 public:
  explicit FixedLengthStage(std::int64_t length) : length_(length) {}

  Status run(Piece piece, PieceSink emit) const override {
    for (std::size_t begin = 0; begin < piece.text.size();) {
      std::size_t end = begin;
      for (std::int64_t i = 0; i < length_ && end < piece.text.size(); ++i)
        end += utf8_length(piece.text[end]);
      emit({piece.text.substr(begin, end - begin), piece.first && begin == 0});
      begin = end;
    }
    return {};
  }

 private:
  std::int64_t length_;
};

bool is_punctuation(char32_t c) { return is_in(CharClass::old_punctuation, c); }
bool is_numeric(char32_t c) { return is_in(CharClass::rust_number, c); }

// Spaces become a visible sign ("▁"), one more goes in front; words start at the sign.
class MetaspaceStage final : public PreTokenizerStage {
 public:
  enum class Prepend { never, first, always };

  MetaspaceStage(std::string sign, Prepend prepend, std::optional<SplitStage> split)
      : sign_(std::move(sign)), prepend_(prepend), split_(std::move(split)) {}

  Status run(Piece piece, PieceSink emit) const override {
    std::string out;
    out.reserve(piece.text.size() * 3 / 2);
    std::string_view rest = piece.text;
    for (std::size_t at; (at = rest.find(' ')) != std::string_view::npos;) {
      out.append(rest.substr(0, at)).append(sign_);
      rest.remove_prefix(at + 1);
    }
    out.append(rest);
    const bool wanted = prepend_ == Prepend::always || (prepend_ == Prepend::first && piece.first);
    if (wanted && !out.starts_with(sign_)) out.insert(0, sign_);
    const Piece rewritten{out, piece.first};
    if (split_) return split_->run(rewritten, emit);
    emit(rewritten);
    return {};
  }

 private:
  std::string sign_;
  Prepend prepend_;
  std::optional<SplitStage> split_;
};

using Stage = std::shared_ptr<const PreTokenizerStage>;

Result<Stage> char_stage(CharStage::Test test, SplitBehavior behavior) {
  return Stage(std::make_shared<CharStage>(test, behavior));
}

// The pattern of a Split where it is a regular expression.
std::string regex_text(const Json& component) {
  const Json* pattern = find_field(component, "pattern");
  const Json* regex = pattern == nullptr ? nullptr : find_field(*pattern, "Regex");
  return regex != nullptr && regex->is_string() ? regex->get<std::string>() : std::string();
}

Result<Stage> split_from_json(const Json& component) {
  LATHE_TRY(Regex regex, pattern_field(component));
  LATHE_TRY(const std::string name, string_field(component, "behavior"));
  LATHE_TRY(const SplitBehavior behavior, parse_split_behavior(name));
  LATHE_TRY(const bool invert, bool_field(component, "invert", false));
  // These patterns match every character, so that nothing lies between their matches.
  if (Stage known = known_split(regex_text(component));
      known && behavior == SplitBehavior::isolated)
    return known;
  return Stage(std::make_shared<SplitStage>(std::move(regex), behavior, invert));
}

Result<Stage> metaspace_from_json(const Json& component) {
  using Prepend = MetaspaceStage::Prepend;
  LATHE_TRY(std::string sign, string_field(component, "replacement"));
  LATHE_TRY(const bool split, bool_field(component, "split", true));
  // Older files say add_prefix_space instead of prepend_scheme.
  LATHE_TRY(const bool prefix, bool_field(component, "add_prefix_space", true));
  LATHE_TRY(const std::string scheme,
            string_field(component, "prepend_scheme", prefix ? "always" : "never"));
  if (scheme != "always" && scheme != "never" && scheme != "first")
    return Error::unsupported(
        fmt::format("the prepend_scheme `{}` is not one that Lathe knows", scheme));
  const Prepend prepend = scheme == "always"  ? Prepend::always
                          : scheme == "first" ? Prepend::first
                                              : Prepend::never;
  std::optional<SplitStage> splitter;
  if (split) {
    LATHE_TRY(Regex regex, Regex::literal(sign));
    splitter.emplace(std::move(regex), SplitBehavior::merged_with_next, false);
  }
  return Stage(std::make_shared<MetaspaceStage>(std::move(sign), prepend, std::move(splitter)));
}

// Every stage that stands for itself; ByteLevel and Sequence are the caller's.
Result<Stage> stage_from_json(const Json& component, const std::string& type) {
  if (type == "Split") return split_from_json(component);
  if (type == "Metaspace") return metaspace_from_json(component);
  if (type == "Digits") {
    LATHE_TRY(const bool individual, bool_field(component, "individual_digits", false));
    return char_stage(is_numeric, individual ? SplitBehavior::isolated : SplitBehavior::contiguous);
  }
  if (type == "Punctuation") {
    LATHE_TRY(const std::string name, string_field(component, "behavior", "Isolated"));
    LATHE_TRY(const SplitBehavior behavior, parse_split_behavior(name));
    return char_stage(is_punctuation, behavior);
  }
  if (type == "Whitespace") return Stage(std::make_shared<WhitespaceStage>());
  if (type == "WhitespaceSplit") return char_stage(is_white_space, SplitBehavior::removed);
  if (type == "FixedLength") {
    LATHE_TRY(const std::int64_t length, int_field(component, "length"));
    if (length < 1) return Error::bad_input("FixedLength needs a `length` of at least 1");
    return Stage(std::make_shared<FixedLengthStage>(length));
  }
  if (type == "CharDelimiterSplit") {
    LATHE_TRY(const std::string delimiter, string_field(component, "delimiter"));
    LATHE_TRY(Regex regex, Regex::literal(delimiter));
    return Stage(std::make_shared<SplitStage>(std::move(regex), SplitBehavior::removed, false));
  }
  return unknown_component("pre-tokenizer", type);
}

}  // namespace

Status PreTokenizer::add_byte_level(const Json& component) {
  if (byte_level_) return Error::unsupported("a second ByteLevel pre-tokenizer");
  byte_level_ = true;
  LATHE_TRY(const bool prefix, bool_field(component, "add_prefix_space", true));
  LATHE_TRY(const bool use_regex, bool_field(component, "use_regex", true));
  if (prefix) stages_.push_back(std::make_shared<PrefixSpaceStage>());
  if (use_regex) stages_.push_back(known_split(kGpt2Pattern));
  return {};
}

Status PreTokenizer::add(const Json& component, int depth) {
  if (depth > kMaxPreTokenizerDepth || stages_.size() > kMaxStages)
    return Error::limit("pre-tokenizers nested too deeply or too many");
  LATHE_TRY(const std::string type, component_type(component));
  if (type == "ByteLevel") return add_byte_level(component);
  if (type == "Sequence") {
    LATHE_TRY(const Json* members, array_field(component, "pretokenizers"));
    for (std::size_t i = 0; i < members->size(); ++i)
      LATHE_CHECK(add((*members)[i], depth + 1).at(fmt::format("pretokenizers[{}]", i)));
    return {};
  }
  if (byte_level_ && type == "Metaspace") return Error::unsupported("Metaspace after ByteLevel");
  if (type == "BertPreTokenizer") {
    LATHE_CHECK(add_stage(std::make_shared<CharStage>(is_white_space, SplitBehavior::removed)));
    return add_stage(std::make_shared<CharStage>(is_punctuation, SplitBehavior::isolated));
  }
  LATHE_TRY(Stage stage, stage_from_json(component, type));
  return add_stage(std::move(stage));
}

Status PreTokenizer::add_stage(Stage stage) {
  if (byte_level_ && !in_alphabet_) {
    stages_.push_back(std::make_shared<AlphabetStage>());
    in_alphabet_ = true;
  }
  stages_.push_back(std::move(stage));
  return {};
}

Result<PreTokenizer> PreTokenizer::from_json(const Json& component) {
  PreTokenizer pre;
  if (!component.is_null()) LATHE_CHECK(pre.add(component, 0).at("pre_tokenizer"));
  return pre;
}

Status PreTokenizer::run_from(std::size_t stage, Piece piece, PieceSink emit) const {
  if (piece.text.empty()) return {};
  if (stage == stages_.size()) {
    emit(piece);
    return {};
  }
  if (stage + 1 == stages_.size())  // most words go this way: no status for each
    return stages_[stage]->run(piece, [&](Piece part) {
      if (!part.text.empty()) emit(part);
    });
  Status behind;  // of the stages behind this one; the first error stays
  LATHE_CHECK(stages_[stage]->run(piece, [&](Piece part) {
    if (!behind.ok()) return;
    if (Status status = run_from(stage + 1, part, emit); !status.ok()) behind = std::move(status);
  }));
  return behind;
}

Status PreTokenizer::run(Piece piece, PieceSink emit) const {
  if (!in_alphabet_) return run_from(0, piece, emit);
  return run_from(0, piece, [&](Piece part) {
    const std::optional<std::string> bytes = from_alphabet(part.text);
    LATHE_ASSERT(bytes.has_value());  // stages after ByteLevel only cut
    emit({*bytes, part.first});
  });
}

}  // namespace lathe::text
