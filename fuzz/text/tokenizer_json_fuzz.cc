// Any bytes as a tokenizer.json: refused with an error that says what, or a tokenizer that encodes,
// decodes to valid UTF-8 at once and as a stream, and reads back from what it writes as the same.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "text/text_stream.h"
#include "text/tokenizer.h"
#include "text/utf8.h"

using namespace lathe::text;

namespace {

constexpr std::string_view kTexts[] = {"", " The <s> caf\u00e9 12 \u65e5\u672c\n\n",
                                       "a\xE2\x82 ##b\x01"};

void use(const Tokenizer& tokenizer) {
  for (const std::string_view text : kTexts) {
    const auto ids = tokenizer.encode(text, {.add_special_tokens = true, .parse_special = true});
    if (!is_valid_utf8(tokenizer.decode(ids))) std::abort();
    TextStream stream(tokenizer);
    std::string streamed;
    for (const std::int32_t id : ids) {
      if (id < 0 || id >= tokenizer.vocab_size()) std::abort();
      streamed += stream.push(id);
    }
    streamed += stream.flush();
    if (!is_valid_utf8(streamed)) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view json(reinterpret_cast<const char*>(data), size);
  const auto read = Tokenizer::from_tokenizer_json(json);
  if (!read.ok()) {
    if (read.error().message().empty()) std::abort();
    return 0;
  }
  use(*read);
  const auto again = Tokenizer::from_tokenizer_json(read->to_tokenizer_json());
  if (!again.ok() || again->hash() != read->hash()) std::abort();
  return 0;
}
