// From a description to a tokenizer that runs.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <future>

#include "base/fnv.h"
#include "text/json_fields.h"
#include "text/pre_tokenizer_names.h"
#include "text/tokenizer_memory.h"
#include "text/unigram.h"

namespace lathe::text {
namespace {

void add_number(Fnv64& hash, std::int64_t number) { hash.add(static_cast<std::uint64_t>(number)); }

// What models other than BPE have beside it.
void add_model(Fnv64& hash, const Tokenizer::Parts& parts) {
  if (parts.outline.model == ModelKind::bpe) return;
  add_number(hash, static_cast<std::int64_t>(parts.outline.model));
  for (const double score : parts.tables.scores) hash.add(std::bit_cast<std::uint64_t>(score));
  hash.add_field(parts.outline.word_piece.prefix);
  add_number(hash, parts.outline.word_piece.max_characters);
}

// A token that is found in normalized text is decoded from its normalized spelling.
Status name_for_decoder(Tokenizer::Parts& parts) {
  if (parts.normalizer.changes_nothing()) return {};
  for (const AddedToken& token : parts.outline.added) {
    if (!token.normalized) continue;
    LATHE_TRY(parts.renamed[static_cast<std::size_t>(token.id)],
              parts.normalizer.apply(token.content));
  }
  return {};
}

Status compile_pipeline(Tokenizer::Parts& parts) {
  TokenizerOutline& outline = parts.outline;
  LATHE_TRY(const Json normalizer, parse_json(outline.normalizer));
  LATHE_TRY(parts.normalizer, Normalizer::from_json(normalizer));
  LATHE_TRY(const Json pre_tokenizer, parse_json(outline.pre_tokenizer));
  LATHE_TRY(parts.pre_tokenizer, PreTokenizer::from_json(pre_tokenizer));
  LATHE_TRY(const Json post_processor, parse_json(outline.post_processor));
  LATHE_TRY(
      parts.post_processor,
      PostProcessor::from_json(post_processor, static_cast<std::int32_t>(parts.tables.size())));
  LATHE_TRY(const Json decoder, parse_json(outline.decoder));
  LATHE_TRY(parts.decoder, Decoder::from_json(decoder));
  outline.settings.byte_level = parts.pre_tokenizer.is_byte_level();
  outline.word_piece.byte_level = parts.pre_tokenizer.is_byte_level();
  return name_for_decoder(parts);
}

Status compile_unigram(Tokenizer::Parts& parts) {
  const TokenizerTables& tables = parts.tables;
  const BpeSettings& settings = parts.outline.settings;
  if (!settings.unk)
    return Error::unsupported("a Unigram model without an unknown token (`unk_id`)");
  if (tables.scores.size() != tables.surfaces.size())
    return Error::bad_input(
        fmt::format("{} scores for {} tokens", tables.scores.size(), tables.surfaces.size()));
  Unigram::Vocabulary vocabulary{tables.surfaces, tables.scores, *settings.unk, {}, false};
  vocabulary.byte_level = settings.byte_level;
  if (settings.byte_fallback)
    vocabulary.byte_tokens.assign(tables.bpe.byte_tokens.begin(), tables.bpe.byte_tokens.end());
  parts.model = std::make_shared<Unigram>(vocabulary);
  return {};
}

Status compile_model(Tokenizer::Parts& parts) {
  const TokenizerTables& tables = parts.tables;
  const TokenizerOutline& outline = parts.outline;
  const auto unk = outline.settings.unk;
  if (unk && (*unk < 0 || static_cast<std::size_t>(*unk) >= tables.surfaces.size()))
    return Error::bad_input("the unknown token is not in the vocabulary");
  switch (outline.model) {
    case ModelKind::bpe:
      parts.model = std::make_shared<Bpe>(tables.surfaces, tables.bpe, outline.settings);
      return {};
    case ModelKind::unigram:
      return compile_unigram(parts);
    case ModelKind::word_piece:
      if (!unk) return Error::bad_input("a WordPiece model without an unknown token");
      parts.model = std::make_shared<WordPiece>(tables.surfaces, *unk, outline.word_piece);
      return {};
    case ModelKind::word_level:
      if (!unk) return Error::bad_input("a WordLevel model without an unknown token");
      parts.model = std::make_shared<WordLevel>(tables.surfaces, *unk);
      return {};
  }
  return {};
}

Status compile_added(Tokenizer::Parts& parts) {
  std::vector<AddedToken> before, after;
  std::vector<std::string> before_spellings, after_spellings;
  for (const bool special : {true, false}) {  // of equal spellings the control token is found
    for (const AddedToken& token : parts.outline.added) {
      if (token.special != special) continue;
      (token.normalized ? after : before).push_back(token);
      if (!token.normalized) {
        before_spellings.push_back(token.content);
        continue;
      }
      LATHE_TRY(std::string spelling, parts.normalizer.apply(token.content));
      after_spellings.push_back(std::move(spelling));
    }
  }
  parts.added_before = AddedTokenFinder(std::move(before), before_spellings);
  parts.added_after = AddedTokenFinder(std::move(after), after_spellings);
  return {};
}

// What a text begins and ends with where nothing else says it.
ControlTokens control_of(const Tokenizer::Parts& parts) {
  ControlTokens control = parts.outline.control;
  const PostProcessor& post = parts.post_processor;
  if (!control.bos && !post.before.empty()) control.bos = post.before.front();
  if (!control.eos && !post.after.empty()) control.eos = post.after.back();
  return control;
}

bool are_below(std::span<const std::int32_t> ids, std::size_t size) {
  return std::ranges::all_of(ids, [size](std::int32_t id) {
    return id >= -1 && (id < 0 || static_cast<std::size_t>(id) < size);
  });
}

bool fits(const BpeTables& bpe, const TokenizerTables& tables) {
  return bpe.byte_symbols.size() == 256 && are_below(bpe.byte_symbols, tables.surfaces.size()) &&
         (bpe.words.places().empty() || std::has_single_bit(bpe.words.places().size())) &&
         std::has_single_bit(bpe.pairs.size());
}

// Whether arrays have the sizes that look-ups count on; what stands in them is checked there.
bool fits(const TokenizerOutline& outline, const TokenizerTables& tables) {
  const std::size_t size = tables.size();
  const auto below = [size](std::int32_t id) {
    return id >= 0 && static_cast<std::size_t>(id) < size;
  };
  const auto& [bos, eos] = outline.control;
  return size <= kMaxTokens && tables.marks.size() == size && tables.texts.size() == size &&
         tables.surfaces.size() <= size && tables.bpe.merges.size() <= kMaxMerges &&
         (tables.ids.places().empty() || std::has_single_bit(tables.ids.places().size())) &&
         tables.bpe.byte_tokens.size() == 256 && are_below(tables.bpe.byte_tokens, size) &&
         std::ranges::none_of(tables.scores, [](double score) { return std::isnan(score); }) &&
         std::ranges::all_of(outline.added, [&](const auto& token) { return below(token.id); }) &&
         (!bos || below(*bos)) && (!eos || below(*eos)) &&
         (outline.model != ModelKind::bpe || fits(tables.bpe, tables));
}

}  // namespace

// What decides over ids and text, and nothing else: the same tokenizer from a tokenizer.json and
// from a GGUF file has one fingerprint.
std::uint64_t TokenizerBuilder::fingerprint(const Tokenizer::Parts& parts) {
  const TokenizerOutline& outline = parts.outline;
  const TokenizerTables& tables = parts.tables;
  Fnv64 hash;
  hash.add(std::uint64_t{tables.size()});
  for (std::size_t id = 0; id < tables.size(); ++id) hash.add_field(tables.spellings[id]);
  hash.add(std::uint64_t{tables.bpe.merges.size()});
  for (const BpeMerge& merge : tables.bpe.merges)
    for (const std::int32_t id : {merge.left, merge.right, merge.result}) add_number(hash, id);
  for (const AddedToken& token : outline.added) {
    add_number(hash, token.id);
    const bool normalized = token.normalized && !parts.normalizer.changes_nothing();
    for (const bool flag :
         {token.single_word, token.lstrip, token.rstrip, normalized, token.special})
      add_number(hash, flag);
  }
  const BpeSettings& settings = outline.settings;
  for (const bool flag : {settings.byte_fallback, settings.fuse_unk, settings.ignore_merges})
    add_number(hash, flag);
  add_number(hash, settings.unk.value_or(-1));
  for (const std::string* mark : {&settings.continuing_prefix, &settings.end_suffix})
    if (!mark->empty()) hash.add_field(*mark);
  add_model(hash, parts);
  for (const auto* ids : {&parts.post_processor.before, &parts.post_processor.after}) {
    add_number(hash, static_cast<std::int64_t>(ids->size()));
    for (const std::int32_t id : *ids) add_number(hash, id);
  }
  for (const std::string* component : {&outline.normalizer, &outline.pre_tokenizer})
    hash.add_field(component_essence(*component));
  hash.add_field(parts.decoder.is_byte_level() ? "ByteLevel" : outline.decoder);
  return hash.value();
}

Result<Tokenizer> TokenizerBuilder::build(TokenizerSpec spec) {
  const auto memory = std::make_shared<TokenizerMemory>();
  const auto parts = std::make_shared<Tokenizer::Parts>();
  std::sort(spec.added.begin(), spec.added.end(),
            [](const AddedToken& a, const AddedToken& b) { return a.id < b.id; });
  LATHE_CHECK(collect_tokens(spec, *memory));
  parts->outline = static_cast<const TokenizerOutline&>(spec);
  parts->tables = memory->tables();
  parts->memory = memory;
  LATHE_CHECK(compile_pipeline(*parts));
  spec.settings = parts->outline.settings;
  // Beside each other: of a large vocabulary each is half of the work.
  TokenTexts texts;
  auto spelt = std::async(std::launch::async, [&] { return collect_texts(*parts, texts); });
  const Status model = collect_model(spec, *memory);
  LATHE_CHECK(spelt.get());
  LATHE_CHECK(model);
  memory->texts = std::move(texts.texts);
  for (const std::size_t id : texts.fallback) memory->marks[id] |= token_mark::kFallback;
  parts->outline.settings = spec.settings;
  parts->tables = memory->tables();
  LATHE_CHECK(compile_model(*parts));
  LATHE_CHECK(compile_added(*parts));
  return Tokenizer(parts, control_of(*parts));
}

Result<Tokenizer> TokenizerBuilder::assemble(TokenizerOutline outline,
                                             const TokenizerTables& tables,
                                             std::shared_ptr<const void> memory) {
  if (!fits(outline, tables)) return Error::bad_input("the tokenizer's tables do not fit together");
  const auto parts = std::make_shared<Tokenizer::Parts>();
  parts->outline = std::move(outline);
  parts->tables = tables;
  parts->memory = std::move(memory);
  LATHE_CHECK(compile_pipeline(*parts));
  LATHE_CHECK(compile_model(*parts));
  LATHE_CHECK(compile_added(*parts));
  return Tokenizer(parts, parts->outline.control);
}

TokenText Tokenizer::Parts::text_at(std::size_t id, TokenPlace place) const {
  const bool differs =
      (place.first && decoder.first_differs()) || (place.last && decoder.last_differs());
  if (differs) {
    // It fails for no token that was checked, and a foreign one has the text of the table.
    if (auto own = decoder.token_text(decoded_as(id), place); own.ok()) return std::move(*own);
  }
  return {std::string(tables.texts[id]), tables.has_mark(id, token_mark::kFallback)};
}

std::string_view Tokenizer::Parts::decoded_as(std::size_t id) const {
  const auto found = renamed.find(id);
  return found == renamed.end() ? tables.spellings[id] : found->second;
}

TokenizerSpec Tokenizer::Parts::spec() const {
  TokenizerSpec spec;
  static_cast<TokenizerOutline&>(spec) = outline;
  for (std::size_t id = 0; id < tables.surfaces.size(); ++id) {
    const bool own = tables.has_mark(id, token_mark::kVocabulary);
    spec.tokens.emplace_back(own ? tables.spellings[id] : std::string_view());
  }
  spec.merges.assign(tables.bpe.merges.begin(), tables.bpe.merges.end());
  spec.scores.assign(tables.scores.begin(), tables.scores.end());
  return spec;
}

std::uint64_t Tokenizer::Parts::hash() const {
  std::call_once(hashed_, [this] { hash_ = TokenizerBuilder::fingerprint(*this); });
  return hash_;
}

}  // namespace lathe::text
