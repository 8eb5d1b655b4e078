#include "text/chat_encoder.h"

#include <algorithm>

#include "text/testing.h"

namespace lathe::text {
namespace {

using Ids = std::vector<std::int32_t>;

// A tokenizer whose post-processor adds <s>, with a template.
ChatEncoder encoder(const char* tokenizer, const std::string& source) {
  SpecialTokenText special;
  special.bos = "<s>";
  auto parsed = ChatTemplate::parse(source, std::move(special));
  EXPECT_TRUE(parsed.ok());
  return ChatEncoder(golden_tokenizer(tokenizer), std::move(parsed).value());
}

Ids prompt(const ChatEncoder& encoder, const char* text) {
  const std::vector<Message> messages = {{"user", text}};
  const auto ids = encoder.encode_prompt(messages);
  EXPECT_TRUE(ids.ok());
  return ids.ok() ? *ids : Ids();
}

// Whether the template writes it, the tokenizer adds it, both do, or the user types it.
TEST(ChatEncoder, ExactlyOneBosStandsInFront) {
  constexpr const char* kPlain = "{% for m in messages %}{{ m.content }}{% endfor %}";
  const std::string with_bos = std::string("{{ bos_token }}") + kPlain;
  for (const char* name : {"bpe-llama3", "bpe-llama2-fallback"}) {
    const std::int32_t bos = golden_tokenizer(name).token_to_id("<s>").value();
    for (const std::string& source : {std::string(kPlain), with_bos}) {
      const Ids ids = prompt(encoder(name, source), "Hello");
      ASSERT_FALSE(ids.empty());
      EXPECT_EQ(ids.front(), bos) << name << " " << source;
      EXPECT_EQ(std::count(ids.begin(), ids.end(), bos), 1) << name << " " << source;
    }
    const Ids plain = encoder(name, kPlain).encode_plain("<s>Hello").value();
    EXPECT_EQ(std::count(plain.begin(), plain.end(), bos), 1) << name;
  }
  // This tokenizer adds none: what the template says is all.
  EXPECT_NE(prompt(encoder("bpe-gpt2", kPlain), "Hello").front(), 1);
  EXPECT_EQ(prompt(encoder("bpe-gpt2", with_bos), "Hello").front(), 1);
}

}  // namespace
}  // namespace lathe::text
