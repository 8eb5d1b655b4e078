#include "api/answer.h"

#include <gtest/gtest.h>

namespace lathe::api {
namespace {

const AnswerHead kChat{AnswerShape::chat, "chatcmpl-1", 1700000000, "m", false};
const AnswerHead kCompletion{AnswerShape::completion, "cmpl-1", 1700000000, "m", false};
const AnswerEnd kEnd{FinishReason::length, {5, 2}, {12.5, "helpdesk@2", 1}};

TEST(Answer, WholeChatHasOpenAisShape) {
  EXPECT_EQ(whole_answer(kChat, "Hi", kEnd),
            R"({"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"m",)"
            R"("choices":[{"index":0,"message":{"role":"assistant","content":"Hi","refusal":null},)"
            R"("logprobs":null,"finish_reason":"length"}],)"
            R"("usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7},)"
            R"("lathe":{"load_ms":12.5,"version":"helpdesk@2","left_out":1}})");
}

TEST(Answer, WholeCompletionHasOpenAisShape) {
  AnswerEnd end = kEnd;
  end.served_by.version.clear();
  EXPECT_EQ(whole_answer(kCompletion, "Hi", end),
            R"({"id":"cmpl-1","object":"text_completion","created":1700000000,"model":"m",)"
            R"("choices":[{"index":0,"text":"Hi","logprobs":null,"finish_reason":"length"}],)"
            R"("usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7},)"
            R"("lathe":{"load_ms":12.5,"version":null,"left_out":1}})");
}

TEST(Answer, ChatChunksHaveOpenAisShape) {
  const std::string prefix =
      R"({"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"m",)"
      R"("choices":[{"index":0,"delta":)";
  EXPECT_EQ(first_chunk(kChat), prefix + R"({"role":"assistant","content":""},)"
                                         R"("logprobs":null,"finish_reason":null}]})");
  EXPECT_EQ(text_chunk(kChat, "a\"\n"), prefix + R"({"content":"a\"\n"},)"
                                                 R"("logprobs":null,"finish_reason":null}]})");
  const auto last = last_chunks(kChat, kEnd);
  ASSERT_EQ(last.size(), 1u);
  EXPECT_EQ(last[0], prefix + R"({},"logprobs":null,"finish_reason":"length"}],)"
                              R"("lathe":{"load_ms":12.5,"version":"helpdesk@2","left_out":1}})");
}

TEST(Answer, IncludeUsageAddsOneChunkWithoutChoices) {
  AnswerHead head = kChat;
  head.include_usage = true;
  EXPECT_NE(first_chunk(head).find(R"("usage":null)"), std::string::npos);
  const auto last = last_chunks(head, kEnd);
  ASSERT_EQ(last.size(), 2u);
  EXPECT_EQ(last[0].find("lathe"), std::string::npos);
  EXPECT_EQ(last[1], R"({"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,)"
                     R"("model":"m","choices":[],)"
                     R"("usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7},)"
                     R"("lathe":{"load_ms":12.5,"version":"helpdesk@2","left_out":1}})");
}

TEST(Answer, CompletionChunksCarryText) {
  EXPECT_TRUE(first_chunk(kCompletion).empty());
  EXPECT_EQ(text_chunk(kCompletion, "x"),
            R"({"id":"cmpl-1","object":"text_completion","created":1700000000,"model":"m",)"
            R"("choices":[{"index":0,"text":"x","logprobs":null,"finish_reason":null}]})");
}

TEST(Answer, BytesThatAreNotUtf8DoNotThrow) {
  EXPECT_NE(text_chunk(kChat, "a\xff").find("\xEF\xBF\xBD"), std::string::npos);
  EXPECT_NE(whole_answer(kChat, "a\xc3", kEnd).find("\xEF\xBF\xBD"), std::string::npos);
}

}  // namespace
}  // namespace lathe::api
