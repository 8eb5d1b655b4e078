#include "text/bpe_trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_map>

#include "text/bpe_merger.h"
#include "text/byte_level.h"
#include "text/json_fields.h"
#include "text/pre_tokenizer_names.h"
#include "text/tokenizer_parts.h"
#include "text/utf8.h"

namespace lathe::text {
namespace {

constexpr std::int32_t kBytes = 256;
constexpr const char* kByteLevelDecoder =
    R"({"add_prefix_space":true,"trim_offsets":true,"type":"ByteLevel","use_regex":true})";

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>()(text);
  }
};
using WordCounts = std::unordered_map<std::string, std::int64_t, TextHash, std::equal_to<>>;

Error bad_option(std::string what, const char* option) {
  return Error::bad_input(std::move(what)).at(option);
}

bool contains(const std::vector<std::string>& list, const std::string& text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

Status check_special_tokens(const std::vector<std::string>& tokens) {
  for (const std::string& token : tokens) {
    if (token.empty()) return bad_option("a special token is empty", "special_tokens");
    if (!is_valid_utf8(token)) return bad_option("a special token is not UTF-8", "special_tokens");
    if (std::count(tokens.begin(), tokens.end(), token) > 1)
      return bad_option(fmt::format("the special token `{}` stands twice", token),
                        "special_tokens");
    const auto bytes = from_alphabet(token);
    if (bytes && bytes->size() == 1)
      return bad_option(fmt::format("the special token `{}` is a byte's token", token),
                        "special_tokens");
  }
  return {};
}

Status check_options(const BpeTrainOptions& options) {
  LATHE_CHECK(check_special_tokens(options.special_tokens));
  const auto least = kBytes + static_cast<std::int64_t>(options.special_tokens.size());
  if (options.vocab_size < least || options.vocab_size > kMaxTokens)
    return bad_option(fmt::format("{} tokens; the bytes and special tokens alone are {}, and at "
                                  "most {} can be",
                                  options.vocab_size, least, kMaxTokens),
                      "vocab_size");
  if (options.min_frequency < 1) return bad_option("must be at least 1", "min_frequency");
  if (options.max_token_bytes < 1) return bad_option("must be at least 1", "max_token_bytes");
  for (const std::string& token : {options.bos_token, options.eos_token})
    if (!token.empty() && !contains(options.special_tokens, token))
      return bad_option(fmt::format("`{}` is not a special token", token),
                        "bos_token or eos_token");
  if (find_pre_tokenizer(options.pre_tokenizer) == nullptr)
    return bad_option(fmt::format("`{}` is unknown", options.pre_tokenizer), "pre_tokenizer")
        .fix_with("use one of " + pre_tokenizer_names());
  return {};
}

std::vector<AddedToken> special_added_tokens(const BpeTrainOptions& options) {
  std::vector<AddedToken> added;
  for (const std::string& content : options.special_tokens) {
    AddedToken token;
    token.id = static_cast<std::int32_t>(added.size());
    token.content = content;
    token.special = true;
    added.push_back(std::move(token));
  }
  return added;
}

// Cuts texts into words, as the tokenizer will, and counts them.
class WordCounter {
 public:
  static Result<WordCounter> create(const NamedPreTokenizer& named,
                                    const BpeTrainOptions& options) {
    WordCounter counter;
    LATHE_TRY(const Json normalizer, parse_json(named.normalizer));
    LATHE_TRY(counter.normalizer_, Normalizer::from_json(normalizer));
    LATHE_TRY(const Json pre_tokenizer, parse_json(named.pre_tokenizer));
    LATHE_TRY(counter.pre_tokenizer_, PreTokenizer::from_json(pre_tokenizer));
    counter.specials_ = AddedTokenFinder(special_added_tokens(options), options.special_tokens);
    return counter;
  }

  Status add(std::string_view text) {
    if (!is_valid_utf8(text)) return add(to_valid_utf8(text));
    Status status;
    specials_.split(text, true, [&](AddedPiece piece) {
      if (!piece.id && status.ok()) status = add_plain(piece.text);
    });
    return status;
  }

  WordCounts take() { return std::move(counts_); }

 private:
  Status add_plain(std::string_view text) {
    if (normalizer_.changes_nothing()) return count(text);
    LATHE_TRY(const std::string normalized, normalizer_.apply(text));
    return count(normalized);
  }

  Status count(std::string_view text) {
    return pre_tokenizer_.run({text, true}, [&](Piece word) {
      const auto found = counts_.find(word.text);
      if (found != counts_.end())
        ++found->second;
      else
        counts_.emplace(word.text, 1);
    });
  }

  Normalizer normalizer_;
  PreTokenizer pre_tokenizer_;
  AddedTokenFinder specials_;
  WordCounts counts_;
};

// The vocabulary as it grows.
class Vocabulary {
 public:
  explicit Vocabulary(const BpeTrainOptions& options) : options_(options) {
    for (const std::string& token : options.special_tokens) add(token, 0);
    specials_ = static_cast<std::int32_t>(tokens_.size());
    for (const unsigned char byte : bytes_in_alphabet_order()) {
      byte_ids_[byte] = static_cast<std::int32_t>(tokens_.size());
      add(byte_to_alphabet(byte), 1);
    }
  }

  bool full() const { return static_cast<std::int32_t>(tokens_.size()) >= options_.vocab_size; }

  std::vector<std::int32_t> symbols(std::string_view word) const {
    std::vector<std::int32_t> ids;
    for (const char c : word) ids.push_back(byte_ids_[static_cast<unsigned char>(c)]);
    return ids;
  }

  // Whether the merged token may be: not too long, and not the spelling of a control token.
  bool allows(TokenPair pair) const {
    if (length(pair.left) + length(pair.right) > options_.max_token_bytes) return false;
    const auto known = ids_.find(spelling(pair));
    return known == ids_.end() || known->second >= specials_;
  }

  // The id of the merged token. Two merges may spell the same token: it has one id.
  std::int32_t merged(TokenPair pair) {
    const auto known = ids_.find(spelling(pair));
    const std::int32_t id = known != ids_.end()
                                ? known->second
                                : add(spelling(pair), length(pair.left) + length(pair.right));
    merges_.push_back({pair.left, pair.right, id});
    return id;
  }

  Result<Tokenizer> finish(const NamedPreTokenizer& named) && {
    TokenizerSpec spec;
    const auto id_of = [&](const std::string& token) -> std::optional<std::int32_t> {
      if (token.empty()) return {};
      return ids_.at(token);
    };
    spec.control = {id_of(options_.bos_token), id_of(options_.eos_token)};
    spec.added = special_added_tokens(options_);
    spec.tokens = std::move(tokens_);
    spec.merges = std::move(merges_);
    spec.normalizer = named.normalizer;
    spec.pre_tokenizer = named.pre_tokenizer;
    spec.decoder = kByteLevelDecoder;
    spec.settings.ignore_merges = named.habits.ignore_merges;
    return TokenizerBuilder::build(std::move(spec));
  }

 private:
  std::int32_t add(std::string token, std::int32_t bytes) {
    const auto id = static_cast<std::int32_t>(tokens_.size());
    ids_.emplace(token, id);
    tokens_.push_back(std::move(token));
    lengths_.push_back(bytes);
    return id;
  }
  std::string spelling(TokenPair pair) const {
    return tokens_[static_cast<std::size_t>(pair.left)] +
           tokens_[static_cast<std::size_t>(pair.right)];
  }
  std::int32_t length(std::int32_t id) const { return lengths_[static_cast<std::size_t>(id)]; }

  const BpeTrainOptions& options_;
  std::vector<std::string> tokens_;
  std::vector<std::int32_t> lengths_;  // in bytes of text
  std::unordered_map<std::string, std::int32_t> ids_;
  std::array<std::int32_t, kBytes> byte_ids_{};
  std::int32_t specials_ = 0;
  std::vector<BpeMerge> merges_;
};

std::vector<BpeMerger::Word> words_of(WordCounts counts, const Vocabulary& vocabulary) {
  std::vector<BpeMerger::Word> words;
  words.reserve(counts.size());
  for (const auto& [word, count] : counts) words.push_back({vocabulary.symbols(word), count});
  return words;
}

}  // namespace

Result<Tokenizer> train_bpe(TextSource texts, const BpeTrainOptions& options) {
  LATHE_CHECK(check_options(options).at("BPE training"));
  const NamedPreTokenizer& named = *find_pre_tokenizer(options.pre_tokenizer);
  LATHE_TRY(WordCounter counter, WordCounter::create(named, options));
  for (std::string text; texts(text); text.clear()) {
    if (text.size() >= kMaxTextBytes)
      return Error::limit(
                 fmt::format("a text of {} bytes; below {} are read", text.size(), kMaxTextBytes))
          .at("BPE training")
          .fix_with("cut it into documents");
    LATHE_CHECK(counter.add(text).at("BPE training"));
  }
  WordCounts counts = counter.take();
  if (counts.empty()) return Error::bad_input("there is no text to learn from").at("BPE training");
  Vocabulary vocabulary(options);
  BpeMerger merger(words_of(std::move(counts), vocabulary), options.min_frequency);
  const auto allowed = [&](TokenPair pair) { return vocabulary.allows(pair); };
  while (!vocabulary.full()) {
    const std::optional<TokenPair> pair = merger.best(allowed);
    if (!pair) break;
    merger.merge(*pair, vocabulary.merged(*pair));
  }
  return std::move(vocabulary).finish(named);
}

Result<Tokenizer> train_bpe(std::span<const std::string> texts, const BpeTrainOptions& options) {
  std::size_t next = 0;
  return train_bpe(
      [&](std::string& text) {
        if (next == texts.size()) return false;
        text = texts[next++];
        return true;
      },
      options);
}

}  // namespace lathe::text
