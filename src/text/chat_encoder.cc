#include "text/chat_encoder.h"

namespace lathe::text {

// first: the piece stands at the beginning, where BOS belongs.
Result<std::vector<std::int32_t>> ChatEncoder::encode_rendered(std::string_view text,
                                                               bool first) const {
  EncodeOptions options;
  options.parse_special = true;
  LATHE_TRY(std::vector<std::int32_t> ids, tokenizer_.encode(text, options));
  const auto bos = tokenizer_.bos_id();
  if (!first || !bos) return ids;
  // A post-processor that adds BOS says so on the empty text.
  options.add_special_tokens = true;
  LATHE_TRY(const std::vector<std::int32_t> around, tokenizer_.encode("", options));
  const bool adds_bos = !around.empty() && around.front() == *bos;
  if (adds_bos && (ids.empty() || ids.front() != *bos)) ids.insert(ids.begin(), *bos);
  return ids;
}

Result<std::vector<std::int32_t>> ChatEncoder::encode_prompt(std::span<const Message> messages,
                                                             const RenderOptions& options) const {
  // Earlier answers are cut out as in training, so that both see the same tokens.
  LATHE_TRY(const std::string whole, template_.render(messages, [&] {
    RenderOptions with_prompt = options;
    with_prompt.add_generation_prompt = true;
    return with_prompt;
  }()));
  std::vector<ByteSpan> cuts;
  if (auto rendered = template_.render_for_training(messages, options);
      rendered.ok() && std::string_view(whole).starts_with(rendered->text)) {
    cuts = rendered->learned;
  }
  std::vector<std::int32_t> tokens;
  std::size_t at = 0;
  const auto append = [&](std::size_t end) -> Status {
    LATHE_TRY(const auto piece,
              encode_rendered(std::string_view(whole).substr(at, end - at), at == 0));
    tokens.insert(tokens.end(), piece.begin(), piece.end());
    at = end;
    return {};
  };
  for (const ByteSpan& cut : cuts) {
    LATHE_CHECK(append(cut.begin));
    LATHE_CHECK(append(cut.end));
  }
  LATHE_CHECK(append(whole.size()));
  return tokens;
}

Result<EncodedChat> ChatEncoder::encode_training(std::span<const Message> messages) const {
  LATHE_TRY(const RenderedChat rendered, template_.render_for_training(messages));
  EncodedChat out;
  std::size_t at = 0;
  const auto append = [&](std::size_t end, bool learned) -> Status {
    const std::string_view piece = std::string_view(rendered.text).substr(at, end - at);
    LATHE_TRY(const auto ids, encode_rendered(piece, at == 0));
    out.tokens.insert(out.tokens.end(), ids.begin(), ids.end());
    out.learned.insert(out.learned.end(), ids.size(), learned);
    at = end;
    return {};
  };
  for (const ByteSpan& answer : rendered.learned) {
    LATHE_CHECK(append(answer.begin, false));
    LATHE_CHECK(append(answer.end, true));
  }
  LATHE_CHECK(append(rendered.text.size(), false));
  return out;
}

Result<std::vector<std::int32_t>> ChatEncoder::encode_plain(std::string_view text) const {
  EncodeOptions options;
  options.add_special_tokens = true;
  return tokenizer_.encode(text, options);
}

}  // namespace lathe::text
