// What every tokenizer must be able to do, whichever file it was read from.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "text/text_stream.h"
#include "text/tokenizer.h"
#include "text/utf8.h"

constexpr std::string_view kTexts[] = {"", " The <s>  caf\u00e9 \u2581 12 \u65e5\u672c\n\n",
                                       "a\xE2\x82 ##b\x01"};

// Encodes, decodes to valid UTF-8 at once and as a stream.
inline void use_tokenizer(const lathe::text::Tokenizer& tokenizer) {
  for (const std::string_view text : kTexts) {
    const auto encoded =
        tokenizer.encode(text, {.add_special_tokens = true, .parse_special = true});
    if (!encoded.ok()) continue;  // a pattern that takes too many steps
    const auto& ids = *encoded;
    if (!lathe::text::is_valid_utf8(tokenizer.decode(ids))) std::abort();
    lathe::text::TextStream stream(tokenizer);
    std::string streamed;
    for (const std::int32_t id : ids) {
      if (id < 0 || id >= tokenizer.vocab_size()) std::abort();
      streamed += stream.push(id);
    }
    streamed += stream.flush();
    if (!lathe::text::is_valid_utf8(streamed)) std::abort();
  }
}

// Reads back as the same from the tokenizer.json that it writes.
inline void expect_written(const lathe::text::Tokenizer& tokenizer) {
  const auto again = lathe::text::Tokenizer::from_tokenizer_json(tokenizer.to_tokenizer_json());
  if (!again.ok() || again->hash() != tokenizer.hash()) std::abort();
}
