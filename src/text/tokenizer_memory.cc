// The tables of a tokenizer that is made in memory, from its description.
#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "text/byte_level.h"
#include "text/tokenizer_memory.h"
#include "text/utf8.h"

namespace lathe::text {
namespace {

using Names = std::vector<std::string_view>;

Error contradiction(const AddedToken& token, std::string_view what) {
  return Error::bad_input(
             fmt::format("added token `{}` has id {}, but {}", token.content, token.id, what))
      .at("added_tokens")
      .fix_with("the file mixes two tokenizers: fetch it again from the model's author");
}

bool is_possible(std::int32_t id) { return id >= 0 && id < kMaxTokens; }

// By id: the vocabulary's spelling, or that of the first added token with the id.
Names names_of(const TokenizerSpec& spec) {
  Names names(spec.tokens.begin(), spec.tokens.end());
  for (const AddedToken& token : spec.added) {
    if (!is_possible(token.id)) continue;  // check_added_token() says so
    const auto id = static_cast<std::size_t>(token.id);
    if (id >= names.size()) names.resize(id + 1);
    if (names[id].empty()) names[id] = token.content;
  }
  return names;
}

// known: the id that the spelling has so far, or -1.
Status check_added_token(const AddedToken& token, const Names& names, std::int32_t known) {
  if (token.content.empty())
    return Error::bad_input("an added token without content").at("added_tokens");
  if (!is_possible(token.id))
    return contradiction(token, fmt::format("ids lie between 0 and {}", kMaxTokens - 1));
  if (known >= 0 && known != token.id)
    return contradiction(token, fmt::format("the vocabulary has it as {}", known));
  const std::string_view name = names[static_cast<std::size_t>(token.id)];
  if (name != token.content) return contradiction(token, fmt::format("this id is `{}`", name));
  return {};
}

Status index_vocabulary(const TokenizerSpec& spec, SpellingIndexBuilder& ids) {
  for (std::size_t id = 0; id < spec.tokens.size(); ++id) {
    if (spec.tokens[id].empty()) continue;
    const auto own = static_cast<std::int32_t>(id);
    const std::int32_t known = ids.add(own);
    if (known == own) continue;
    if (spec.model != ModelKind::unigram)
      return Error::bad_input(fmt::format(
          "token `{}` stands twice in the vocabulary: ids {} and {}", spec.tokens[id], known, id));
    ids.set(own);  // a list may repeat; its last one is meant
  }
  return {};
}

// Control tokens are known by their spelling: a list of Unigram may have one twice.
void mark_tokens(const TokenizerSpec& spec, const Names& names, std::vector<std::uint8_t>& marks) {
  marks.assign(names.size(), 0);
  for (std::size_t id = 0; id < spec.tokens.size(); ++id)
    if (!spec.tokens[id].empty()) marks[id] |= token_mark::kVocabulary;
  std::unordered_set<std::string_view> control;
  for (const AddedToken& token : spec.added) {
    if (!token.special) continue;
    control.insert(token.content);
    marks[static_cast<std::size_t>(token.id)] |= token_mark::kSpecial;
  }
  if (spec.model != ModelKind::unigram) return;
  for (std::size_t id = 0; id < names.size(); ++id)
    if (control.count(names[id]) > 0) marks[id] |= token_mark::kSpecial;
}

// Whether text in plain symbols can be this token: control tokens only when they are one symbol.
bool text_may_become(std::string_view surface, bool special, bool byte_level) {
  if (!special) return true;
  return !surface.empty() && surface.size() == (byte_level ? 1 : utf8_length(surface[0]));
}

Status add_surfaces(const TokenizerSpec& spec, TokenizerMemory& memory) {
  const bool byte_level = spec.settings.byte_level;
  for (std::size_t id = 0; id < spec.tokens.size(); ++id) {
    const bool special = (memory.marks[id] & token_mark::kSpecial) != 0;
    std::optional<std::string> surface =
        byte_level ? from_alphabet(spec.tokens[id]) : spec.tokens[id];
    const bool becomes = surface && text_may_become(*surface, special, byte_level);
    LATHE_CHECK(memory.surfaces.add(becomes ? *surface : std::string()));
  }
  return {};
}

std::vector<std::int32_t> byte_fallback_tokens(const SpellingIndex& ids) {
  std::vector<std::int32_t> tokens;
  for (unsigned byte = 0; byte < 256; ++byte)
    tokens.push_back(ids.find(fmt::format("<0x{:02X}>", byte)));
  return tokens;
}

Status check_merges(const TokenizerSpec& spec) {
  for (const BpeMerge& merge : spec.merges)
    for (const std::int32_t id : {merge.left, merge.right, merge.result})
      if (id < 0 || static_cast<std::size_t>(id) >= spec.tokens.size())
        return Error::bad_input("a merge names a token that the vocabulary lacks").at("merges");
  return {};
}

}  // namespace

Status collect_tokens(const TokenizerSpec& spec, TokenizerMemory& memory) {
  const Names names = names_of(spec);
  for (const std::string_view name : names) LATHE_CHECK(memory.spellings.add(name));
  memory.ids = SpellingIndexBuilder(memory.spellings.table());
  LATHE_CHECK(index_vocabulary(spec, memory.ids));
  for (const AddedToken& token : spec.added) {
    LATHE_CHECK(check_added_token(token, names, memory.ids.index().find(token.content)));
    memory.ids.add(token.id);
  }
  mark_tokens(spec, names, memory.marks);
  return {};
}

Status collect_texts(const Tokenizer::Parts& parts, TokenTexts& out) {
  for (std::size_t id = 0; id < parts.tables.size(); ++id) {
    const std::string_view name = parts.decoded_as(id);
    LATHE_CHECK(parts.decoder.check(name));
    LATHE_TRY(const TokenText text, parts.decoder.token_text(name));
    LATHE_CHECK(out.texts.add(text.bytes));
    if (text.fallback) out.fallback.push_back(id);
  }
  return {};
}

Status collect_model(TokenizerSpec& spec, TokenizerMemory& memory) {
  LATHE_CHECK(add_surfaces(spec, memory));
  memory.bpe.byte_tokens = byte_fallback_tokens(memory.ids.index());
  memory.scores = std::move(spec.scores);
  if (spec.model != ModelKind::bpe) return {};
  LATHE_CHECK(check_merges(spec));
  std::vector<bool> special(memory.marks.size());
  for (std::size_t id = 0; id < special.size(); ++id)
    special[id] = (memory.marks[id] & token_mark::kSpecial) != 0;
  memory.bpe.merges = std::move(spec.merges);
  const StringTable surfaces = memory.surfaces.table();
  memory.bpe.index(surfaces, special);
  spec.settings.cuts_at_marks =
      never_joins_across_marks(surfaces, memory.bpe.tables(), spec.settings);
  return {};
}

}  // namespace lathe::text
