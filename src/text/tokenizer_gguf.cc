#include "text/tokenizer_gguf.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "text/gguf_tokenizer_keys.h"
#include "text/pre_tokenizer_names.h"
#include "text/tokenizer_parts.h"
#include "text/utf8.h"

namespace lathe::text {
namespace {

using formats::GgufMetadata;
using namespace gguf;

Status check_token(std::string_view token, std::size_t id) {
  if (token.empty()) return Error::bad_input(fmt::format("token {} is empty", id)).at(kTokens);
  if (is_valid_utf8(token)) return {};
  return Error::bad_input(fmt::format("token {} is not UTF-8", id)).at(kTokens);
}

Result<std::vector<std::string>> read_tokens(const GgufMetadata& metadata) {
  LATHE_TRY(const formats::GgufStrings tokens, metadata.get_strings(kTokens));
  if (tokens.empty() || tokens.size() > static_cast<std::size_t>(kMaxTokens))
    return Error::bad_input(
               fmt::format("{} tokens; between 1 and {} are read", tokens.size(), kMaxTokens))
        .at(kTokens);
  if (tokens.bytes().size() > kMaxTextBytes)
    return Error::limit(fmt::format("the tokens have more than {} bytes", kMaxTextBytes))
        .at(kTokens);
  std::vector<std::string> out;
  out.reserve(tokens.size());
  for (const std::string_view token : tokens) {
    LATHE_CHECK(check_token(token, out.size()));
    out.emplace_back(token);
  }
  return out;
}

Status read_token_types(const GgufMetadata& metadata, TokenizerSpec& spec) {
  if (!metadata.has(kTokenTypes)) return {};
  LATHE_TRY(const std::vector<std::int64_t> types, metadata.get_ints(kTokenTypes));
  if (types.size() != spec.tokens.size())
    return Error::bad_input(fmt::format("{} types for {} tokens", types.size(), spec.tokens.size()))
        .at(kTokenTypes);
  for (std::size_t id = 0; id < types.size(); ++id) {
    const bool special = types[id] == kControl || types[id] == kUnknown;
    if (!special && types[id] != kUserDefined) continue;
    AddedToken token;
    token.id = static_cast<std::int32_t>(id);
    token.content = spec.tokens[id];
    token.special = special;
    spec.added.push_back(std::move(token));
  }
  return {};
}

// A merge of a file: left, right and what they make.
using MergeTexts = std::array<std::string_view, 3>;

// The first sign may be a space itself in files of other programs; the second half never is.
Result<MergeTexts> merge_texts(std::string_view merge, std::size_t index, std::string& joined) {
  const std::size_t space = merge.find(' ', 1);
  if (space == std::string_view::npos)
    return Error::bad_input(fmt::format("merge {} is not two tokens: `{}`", index, merge))
        .at(kMerges);
  joined.assign(merge.substr(0, space)).append(merge.substr(space + 1));
  return MergeTexts{merge.substr(0, space), merge.substr(space + 1), joined};
}

// The next merges, from number `first` on, whose tokens are searched together.
Status read_some_merges(std::span<const std::string_view> merges, std::size_t first,
                        const SpellingIndex& ids, TokenizerSpec& spec) {
  std::vector<std::string> joined(merges.size());
  std::vector<std::string_view> texts;
  for (std::size_t i = 0; i < merges.size(); ++i) {
    LATHE_TRY(const MergeTexts merge, merge_texts(merges[i], first + i, joined[i]));
    texts.insert(texts.end(), merge.begin(), merge.end());
  }
  std::vector<std::int32_t> found(texts.size());
  ids.find_all(texts, found);
  for (std::size_t i = 0; i < merges.size(); ++i) {
    const BpeMerge merge{found[3 * i], found[3 * i + 1], found[3 * i + 2]};
    if (merge.left < 0 || merge.right < 0 || merge.result < 0)
      return Error::bad_input(fmt::format("merge {}, `{}`, names a token that the vocabulary lacks",
                                          first + i, merges[i]))
          .at(kMerges);
    spec.merges.push_back(merge);
  }
  return {};
}

Status read_merges(const GgufMetadata& metadata, TokenizerSpec& spec) {
  LATHE_TRY(const formats::GgufStrings merges, metadata.get_strings(kMerges));
  if (merges.size() > kMaxMerges)
    return Error::limit(fmt::format("{} merges; at most {} are read", merges.size(), kMaxMerges))
        .at(kMerges);
  constexpr std::size_t kTogether = 256;
  const OwnedSpellingIndex owned(spec.tokens);
  spec.merges.reserve(merges.size());
  std::vector<std::string_view> some;
  for (auto merge = merges.begin(); merge != merges.end();) {
    some.clear();
    while (merge != merges.end() && some.size() < kTogether) some.push_back(*merge++);
    LATHE_CHECK(read_some_merges(some, spec.merges.size(), owned.index(), spec));
  }
  return {};
}

Status read_pipeline(const GgufMetadata& metadata, TokenizerSpec& spec) {
  LATHE_TRY(const std::string_view pre, metadata.get_string(kPre));
  const NamedPreTokenizer* named = find_pre_tokenizer(pre);
  if (named == nullptr)
    return Error::unsupported(
               fmt::format("the pre-tokenizer `{}` is not one that Lathe knows", pre))
        .at(kPre)
        .fix_with("import the model's Hugging Face folder instead; known here: " +
                  pre_tokenizer_names());
  spec.normalizer = named->normalizer;
  spec.pre_tokenizer = named->pre_tokenizer;
  spec.settings.ignore_merges = named->habits.ignore_merges;
  spec.decoder = R"({"type":"ByteLevel"})";
  // Older files of LLaMA 3 leave the key out and mean true.
  return read_around(metadata, {.bos = named->habits.add_bos, .eos = named->habits.add_eos}, spec);
}

Status read_model(const GgufMetadata& metadata, std::string_view model, TokenizerSpec& spec) {
  if (model == "llama") return read_llama(metadata, spec);
  if (model == "t5") return read_t5(metadata, spec);
  if (model == "bert") return read_bert(metadata, spec);
  if (model != "gpt2")
    return Error::unsupported(
               fmt::format("the tokenizer model `{}` is not one that Lathe reads from GGUF; it "
                           "reads `gpt2` (byte-level BPE), `llama` (SentencePiece BPE), `t5` "
                           "(Unigram) and `bert` (WordPiece)",
                           model))
        .at(kModel)
        .fix_with("import the model's Hugging Face folder instead");
  LATHE_CHECK(read_merges(metadata, spec));
  return read_pipeline(metadata, spec);
}

Result<Tokenizer> from_ggml_keys(const GgufMetadata& metadata) {
  LATHE_TRY(const std::string_view model, metadata.get_string(kModel));
  TokenizerSpec spec;
  LATHE_TRY(spec.tokens, read_tokens(metadata));
  LATHE_CHECK(read_token_types(metadata, spec));
  LATHE_TRY(spec.control.bos, read_id(metadata, kBos, spec.tokens.size()));
  LATHE_TRY(spec.control.eos, read_id(metadata, kEos, spec.tokens.size()));
  LATHE_CHECK(read_model(metadata, model, spec));
  return TokenizerBuilder::build(std::move(spec));
}

Result<Tokenizer> from_hugging_face_key(const GgufMetadata& metadata) {
  LATHE_TRY(const std::string_view json, metadata.get_string(kHuggingFace));
  auto read = Tokenizer::from_tokenizer_json(json);
  if (!read.ok()) return std::move(read).error().at(kHuggingFace);
  const auto size = static_cast<std::size_t>(read->vocab_size());
  if (metadata.has(kTokens)) {
    LATHE_TRY(const std::vector<std::string> tokens, read_tokens(metadata));
    if (tokens.size() < size)
      return Error::bad_input(
                 fmt::format("it has {} tokens, but {} has {}", size, kTokens, tokens.size()))
          .at(kHuggingFace);
  }
  LATHE_TRY(const auto bos, read_id(metadata, kBos, size));
  LATHE_TRY(const auto eos, read_id(metadata, kEos, size));
  return read->with_control_tokens({bos ? bos : read->bos_id(), eos ? eos : read->eos_id()});
}

}  // namespace

Result<Tokenizer> Tokenizer::from_gguf(const GgufMetadata& metadata) {
  if (metadata.has(kHuggingFace)) return from_hugging_face_key(metadata);
  return from_ggml_keys(metadata);
}

}  // namespace lathe::text
