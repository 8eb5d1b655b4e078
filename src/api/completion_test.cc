#include "api/completion.h"

#include <gtest/gtest.h>

namespace lathe::api {
namespace {

TEST(CompletionRequest, ReadsThePromptAndDefaultsToSixteenTokens) {
  const auto parsed = parse_completion_request(R"({"model":"m","prompt":"Once"})");
  ASSERT_TRUE(parsed.ok()) << parsed.error().message();
  EXPECT_EQ(parsed->prompt, "Once");
  EXPECT_EQ(parsed->sampling.max_tokens, 16);
  EXPECT_FALSE(parsed->stream);
}

TEST(CompletionRequest, ReadsOnePromptInAnArrayAndNeutralFields) {
  const auto parsed = parse_completion_request(
      R"({"model":"m","prompt":["Once"],"max_tokens":3,"echo":false,"best_of":1,"suffix":null,
          "logprobs":null,"stream":true})");
  ASSERT_TRUE(parsed.ok()) << parsed.error().message();
  EXPECT_EQ(parsed->prompt, "Once");
  EXPECT_EQ(parsed->sampling.max_tokens, 3);
  EXPECT_TRUE(parsed->stream);
}

TEST(CompletionRequest, RefusesWhatItCannotDoByName) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"model":"m"})", "prompt"},
      {R"({"model":"m","prompt":7})", "prompt"},
      {R"({"model":"m","prompt":["a","b"]})", "prompt"},
      {R"({"model":"m","prompt":[1,2]})", "prompt"},
      {R"({"model":"m","prompt":"a","echo":true})", "echo"},
      {R"({"model":"m","prompt":"a","logprobs":0})", "logprobs"},
      {R"({"model":"m","prompt":"a","suffix":"z"})", "suffix"},
      {R"({"model":"m","prompt":"a","best_of":2})", "best_of"},
      {R"({"model":"m","prompt":"a","messages":[]})", "messages"},
  };
  for (const auto& [body, name] : cases) {
    const auto parsed = parse_completion_request(body);
    ASSERT_FALSE(parsed.ok()) << body;
    EXPECT_EQ(parsed.error().where, name) << body;
  }
}

}  // namespace
}  // namespace lathe::api
