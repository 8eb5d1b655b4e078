// A tokenizer as GGUF metadata.
#include <fmt/format.h>

#include "text/gguf_tokenizer_keys.h"
#include "text/pre_tokenizer_names.h"
#include "text/tokenizer_gguf.h"

namespace lathe::text {
namespace {

using formats::GgufMetadata;
using namespace gguf;

constexpr const char* kOwnModel = "lathe";  // kHuggingFace says all

void write_control_tokens(const Tokenizer& tokenizer, GgufMetadata& out) {
  if (const auto id = tokenizer.bos_id()) out.set(kBos, static_cast<std::uint32_t>(*id));
  if (const auto id = tokenizer.eos_id()) out.set(kEos, static_cast<std::uint32_t>(*id));
}

// The tokenizer.ggml.* keys, as far as they go: whether they say all is for the caller to check.
GgufMetadata ggml_keys(const Tokenizer& tokenizer, const NamedPreTokenizer& named) {
  const Tokenizer::Parts& parts = tokenizer.parts();
  const TokenizerTables& tables = parts.tables;
  std::vector<std::string> tokens, merges;
  for (std::size_t id = 0; id < tables.size(); ++id) tokens.emplace_back(tables.spellings[id]);
  std::vector<std::int32_t> types(tokens.size(), kNormal);
  for (const AddedToken& token : parts.outline.added)
    types[static_cast<std::size_t>(token.id)] = token.special ? kControl : kUserDefined;
  merges.reserve(tables.bpe.merges.size());
  const auto spelling = [&](std::int32_t id) {
    return tables.spellings[static_cast<std::size_t>(id)];
  };
  for (const BpeMerge& merge : tables.bpe.merges)
    merges.push_back(fmt::format("{} {}", spelling(merge.left), spelling(merge.right)));
  GgufMetadata out;
  out.set(kModel, std::string("gpt2"));
  out.set(kPre, named.name);
  out.set(kTokens, formats::GgufArray(std::move(tokens)));
  out.set(kTokenTypes, formats::GgufArray(std::move(types)));
  out.set(kMerges, formats::GgufArray(std::move(merges)));
  write_control_tokens(tokenizer, out);
  out.set(kAddBos, !parts.post_processor.before.empty());
  out.set(kAddEos, !parts.post_processor.after.empty());
  out.set(kAddPrefix, false);
  return out;
}

}  // namespace

GgufMetadata gguf_metadata(const Tokenizer& tokenizer) {
  const TokenizerOutline& outline = tokenizer.parts().outline;
  const NamedPreTokenizer* named = match_pre_tokenizer(outline.normalizer, outline.pre_tokenizer,
                                                       outline.settings.ignore_merges);
  if (named != nullptr) {
    GgufMetadata keys = ggml_keys(tokenizer, *named);
    const auto back = Tokenizer::from_gguf(keys);
    if (back.ok() && back->hash() == tokenizer.hash()) return keys;
  }
  GgufMetadata out;
  out.set(kModel, std::string(kOwnModel));
  write_control_tokens(tokenizer, out);
  out.set(kHuggingFace, tokenizer.to_tokenizer_json());
  return out;
}

}  // namespace lathe::text
