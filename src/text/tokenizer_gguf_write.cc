// A tokenizer as GGUF metadata.
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
  std::vector<std::int32_t> types(parts.spellings.size(), kNormal);
  for (const AddedToken& token : parts.spec.added)
    types[static_cast<std::size_t>(token.id)] = token.special ? kControl : kUserDefined;
  std::vector<std::string> merges;
  merges.reserve(parts.spec.merges.size());
  for (const BpeMerge& merge : parts.spec.merges)
    merges.push_back(parts.spellings[static_cast<std::size_t>(merge.left)] + " " +
                     parts.spellings[static_cast<std::size_t>(merge.right)]);
  GgufMetadata out;
  out.set(kModel, std::string("gpt2"));
  out.set(kPre, named.name);
  out.set(kTokens, formats::GgufArray(parts.spellings));
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
  const TokenizerSpec& spec = tokenizer.parts().spec;
  const NamedPreTokenizer* named =
      match_pre_tokenizer(spec.normalizer, spec.pre_tokenizer, spec.settings.ignore_merges);
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
