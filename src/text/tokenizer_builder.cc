// From a description to a tokenizer that runs.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <future>
#include <unordered_set>

#include "base/fnv.h"
#include "text/byte_level.h"
#include "text/json_fields.h"
#include "text/pre_tokenizer_names.h"
#include "text/tokenizer_parts.h"
#include "text/unigram.h"
#include "text/utf8.h"

namespace lathe::text {
namespace {

Error contradiction(const AddedToken& token, std::string_view what) {
  return Error::bad_input(
             fmt::format("added token `{}` has id {}, but {}", token.content, token.id, what))
      .at("added_tokens")
      .fix_with("the file mixes two tokenizers: fetch it again from the model's author");
}

Status check_added_token(const AddedToken& token, const Tokenizer::Parts& parts) {
  if (token.content.empty())
    return Error::bad_input("an added token without content").at("added_tokens");
  if (token.id < 0 || token.id >= kMaxTokens)
    return contradiction(token, fmt::format("ids lie between 0 and {}", kMaxTokens - 1));
  const std::int32_t known = parts.ids.find(token.content);
  if (known >= 0 && known != token.id)
    return contradiction(token, fmt::format("the vocabulary has it as {}", known));
  const auto id = static_cast<std::size_t>(token.id);
  if (id < parts.spellings.size() && !parts.spellings[id].empty() &&
      parts.spellings[id] != token.content)
    return contradiction(token, fmt::format("this id is `{}`", parts.spellings[id]));
  return {};
}

// Whether text in plain symbols can be this token: control tokens only when they are one symbol.
bool text_may_become(std::string_view surface, bool special, bool byte_level) {
  if (!special) return true;
  return !surface.empty() && surface.size() == (byte_level ? 1 : utf8_length(surface[0]));
}

void add_number(Fnv64& hash, std::int64_t number) { hash.add(static_cast<std::uint64_t>(number)); }

// What models other than BPE have beside it.
void add_model(Fnv64& hash, const TokenizerSpec& spec) {
  if (spec.model == ModelKind::bpe) return;
  add_number(hash, static_cast<std::int64_t>(spec.model));
  for (const double score : spec.scores) hash.add(std::bit_cast<std::uint64_t>(score));
  hash.add_field(spec.word_piece.prefix);
  add_number(hash, spec.word_piece.max_characters);
}

std::vector<std::int32_t> byte_fallback_tokens(const Tokenizer::Parts& parts) {
  std::vector<std::int32_t> tokens(256, -1);
  for (unsigned byte = 0; byte < 256; ++byte)
    tokens[byte] = parts.ids.find(fmt::format("<0x{:02X}>", byte));
  return tokens;
}

}  // namespace

Status TokenizerBuilder::collect_tokens(Tokenizer::Parts& parts) {
  const TokenizerSpec& spec = parts.spec;
  parts.spellings = spec.tokens;
  std::size_t size = parts.spellings.size();
  for (const AddedToken& token : spec.added)
    if (token.id >= 0 && token.id < kMaxTokens)
      size = std::max(size, static_cast<std::size_t>(token.id) + 1);
  parts.spellings.resize(size);  // now fixed: parts.ids looks into it
  parts.special.assign(size, false);
  parts.ids = SpellingIndex(parts.spellings);
  for (std::size_t id = 0; id < spec.tokens.size(); ++id) {
    if (parts.spellings[id].empty()) continue;
    const auto own = static_cast<std::int32_t>(id);
    const std::int32_t known = parts.ids.add(own);
    if (known == own) continue;
    if (spec.model != ModelKind::unigram)
      return Error::bad_input(
          fmt::format("token `{}` stands twice in the vocabulary: ids {} and {}",
                      parts.spellings[id], known, id));
    parts.ids.set(own);  // a list may repeat; its last one is meant
  }
  for (const AddedToken& token : spec.added) {
    LATHE_CHECK(check_added_token(token, parts));
    const auto id = static_cast<std::size_t>(token.id);
    parts.spellings[id] = token.content;
    parts.ids.add(token.id);
  }
  mark_special(parts);
  return {};
}

// Control tokens are known by their spelling: a list of Unigram may have one twice.
void TokenizerBuilder::mark_special(Tokenizer::Parts& parts) {
  std::unordered_set<std::string_view> control;
  for (const AddedToken& token : parts.spec.added) {
    if (!token.special) continue;
    control.insert(token.content);
    parts.special[static_cast<std::size_t>(token.id)] = true;
  }
  if (parts.spec.model != ModelKind::unigram) return;
  for (std::size_t id = 0; id < parts.spellings.size(); ++id)
    parts.special[id] = control.count(parts.spellings[id]) > 0;
}

// A token that is found in normalized text is decoded from its normalized spelling.
Status TokenizerBuilder::name_for_decoder(Tokenizer::Parts& parts) {
  if (parts.normalizer.changes_nothing()) return {};
  for (const AddedToken& token : parts.spec.added) {
    if (!token.normalized) continue;
    LATHE_TRY(parts.renamed[static_cast<std::size_t>(token.id)],
              parts.normalizer.apply(token.content));
  }
  return {};
}

Status TokenizerBuilder::compile_pipeline(Tokenizer::Parts& parts) {
  TokenizerSpec& spec = parts.spec;
  LATHE_TRY(const Json normalizer, parse_json(spec.normalizer));
  LATHE_TRY(parts.normalizer, Normalizer::from_json(normalizer));
  LATHE_TRY(const Json pre_tokenizer, parse_json(spec.pre_tokenizer));
  LATHE_TRY(parts.pre_tokenizer, PreTokenizer::from_json(pre_tokenizer));
  LATHE_TRY(const Json post_processor, parse_json(spec.post_processor));
  LATHE_TRY(
      parts.post_processor,
      PostProcessor::from_json(post_processor, static_cast<std::int32_t>(parts.spellings.size())));
  LATHE_TRY(const Json decoder, parse_json(spec.decoder));
  LATHE_TRY(parts.decoder, Decoder::from_json(decoder));
  spec.settings.byte_level = parts.pre_tokenizer.is_byte_level();
  spec.word_piece.byte_level = parts.pre_tokenizer.is_byte_level();
  return name_for_decoder(parts);
}

// What each token adds to a text.
Status TokenizerBuilder::spell_texts(Tokenizer::Parts& parts) {
  parts.texts.reserve(parts.spellings.size());
  for (std::size_t id = 0; id < parts.spellings.size(); ++id) {
    const std::string& name = parts.decoded_as(id);
    LATHE_CHECK(parts.decoder.check(name));
    LATHE_TRY(TokenText text, parts.decoder.token_text(name));
    parts.texts.push_back(std::move(text));
  }
  return {};
}

// By id: what the text of a token is; empty where text may not become it.
std::vector<std::string> TokenizerBuilder::surfaces_of(const Tokenizer::Parts& parts) {
  const TokenizerSpec& spec = parts.spec;
  const bool byte_level = spec.settings.byte_level;
  std::vector<std::string> surfaces(spec.tokens.size());
  for (std::size_t id = 0; id < surfaces.size(); ++id) {
    std::optional<std::string> surface =
        byte_level ? from_alphabet(spec.tokens[id]) : spec.tokens[id];
    if (surface && text_may_become(*surface, parts.special[id], byte_level))
      surfaces[id] = std::move(*surface);
  }
  return surfaces;
}

Status TokenizerBuilder::compile_bpe(Tokenizer::Parts& parts) {
  const TokenizerSpec& spec = parts.spec;
  for (const BpeMerge& merge : spec.merges)
    for (const std::int32_t id : {merge.left, merge.right, merge.result})
      if (id < 0 || static_cast<std::size_t>(id) >= spec.tokens.size())
        return Error::bad_input("a merge names a token that the vocabulary lacks").at("merges");
  LATHE_TRY(Bpe bpe, Bpe::build(surfaces_of(parts), spec.merges, parts.special,
                                byte_fallback_tokens(parts), spec.settings));
  parts.model = std::make_shared<Bpe>(std::move(bpe));
  return {};
}

Status TokenizerBuilder::compile_unigram(Tokenizer::Parts& parts) {
  const TokenizerSpec& spec = parts.spec;
  if (!spec.settings.unk)
    return Error::unsupported("a Unigram model without an unknown token (`unk_id`)");
  if (spec.scores.size() != spec.tokens.size())
    return Error::bad_input(
        fmt::format("{} scores for {} tokens", spec.scores.size(), spec.tokens.size()));
  Unigram::Vocabulary vocabulary{surfaces_of(parts), spec.scores, *spec.settings.unk, {}, false};
  vocabulary.byte_level = spec.settings.byte_level;
  if (spec.settings.byte_fallback) vocabulary.byte_tokens = byte_fallback_tokens(parts);
  parts.model = std::make_shared<Unigram>(vocabulary);
  return {};
}

Status TokenizerBuilder::compile_model(Tokenizer::Parts& parts) {
  const TokenizerSpec& spec = parts.spec;
  const auto unk = spec.settings.unk;
  if (unk && (*unk < 0 || static_cast<std::size_t>(*unk) >= spec.tokens.size()))
    return Error::bad_input("the unknown token is not in the vocabulary");
  switch (spec.model) {
    case ModelKind::bpe:
      return compile_bpe(parts);
    case ModelKind::unigram:
      return compile_unigram(parts);
    case ModelKind::word_piece:
      if (!unk) return Error::bad_input("a WordPiece model without an unknown token");
      parts.model = std::make_shared<WordPiece>(surfaces_of(parts), *unk, spec.word_piece);
      return {};
    case ModelKind::word_level:
      if (!unk) return Error::bad_input("a WordLevel model without an unknown token");
      parts.model = std::make_shared<WordLevel>(surfaces_of(parts), *unk);
      return {};
  }
  return {};
}

Status TokenizerBuilder::compile_added(Tokenizer::Parts& parts) {
  std::vector<AddedToken> before, after;
  std::vector<std::string> before_spellings, after_spellings;
  for (const bool special : {true, false}) {  // of equal spellings the control token is found
    for (const AddedToken& token : parts.spec.added) {
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

// What decides over ids and text, and nothing else: the same tokenizer from a tokenizer.json and
// from a GGUF file has one fingerprint.
std::uint64_t TokenizerBuilder::fingerprint(const Tokenizer::Parts& parts) {
  const TokenizerSpec& spec = parts.spec;
  Fnv64 hash;
  hash.add(std::uint64_t{parts.spellings.size()});
  for (const std::string& token : parts.spellings) hash.add_field(token);
  hash.add(std::uint64_t{spec.merges.size()});
  for (const BpeMerge& merge : spec.merges)
    for (const std::int32_t id : {merge.left, merge.right, merge.result}) add_number(hash, id);
  for (const AddedToken& token : spec.added) {
    add_number(hash, token.id);
    const bool normalized = token.normalized && !parts.normalizer.changes_nothing();
    for (const bool flag :
         {token.single_word, token.lstrip, token.rstrip, normalized, token.special})
      add_number(hash, flag);
  }
  const BpeSettings& settings = spec.settings;
  for (const bool flag : {settings.byte_fallback, settings.fuse_unk, settings.ignore_merges})
    add_number(hash, flag);
  add_number(hash, settings.unk.value_or(-1));
  for (const std::string* mark : {&settings.continuing_prefix, &settings.end_suffix})
    if (!mark->empty()) hash.add_field(*mark);
  add_model(hash, spec);
  for (const auto* ids : {&parts.post_processor.before, &parts.post_processor.after}) {
    add_number(hash, static_cast<std::int64_t>(ids->size()));
    for (const std::int32_t id : *ids) add_number(hash, id);
  }
  for (const std::string* component : {&spec.normalizer, &spec.pre_tokenizer})
    hash.add_field(component_essence(*component));
  hash.add_field(parts.decoder.is_byte_level() ? "ByteLevel" : spec.decoder);
  return hash.value();
}

Result<Tokenizer> TokenizerBuilder::build(TokenizerSpec spec) {
  auto parts = std::make_shared<Tokenizer::Parts>();
  std::sort(spec.added.begin(), spec.added.end(),
            [](const AddedToken& a, const AddedToken& b) { return a.id < b.id; });
  parts->spec = std::move(spec);
  LATHE_CHECK(collect_tokens(*parts));
  LATHE_CHECK(compile_pipeline(*parts));
  // Beside each other: of a large vocabulary each is half of the work.
  auto spelt = std::async(std::launch::async, [&] { return spell_texts(*parts); });
  const Status model = compile_model(*parts);
  LATHE_CHECK(spelt.get());
  LATHE_CHECK(model);
  LATHE_CHECK(compile_added(*parts));
  ControlTokens control = parts->spec.control;
  const PostProcessor& post = parts->post_processor;
  if (!control.bos && !post.before.empty()) control.bos = post.before.front();
  if (!control.eos && !post.after.empty()) control.eos = post.after.back();
  return Tokenizer(std::move(parts), control);
}

const std::string& Tokenizer::Parts::decoded_as(std::size_t id) const {
  const auto found = renamed.find(id);
  return found == renamed.end() ? spellings[id] : found->second;
}

std::uint64_t Tokenizer::Parts::hash() const {
  std::call_once(hashed_, [this] { hash_ = TokenizerBuilder::fingerprint(*this); });
  return hash_;
}

}  // namespace lathe::text
