#include "api/embedding.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace lathe::api {
namespace {

using Tokens = std::vector<std::int32_t>;

TEST(EmbeddingRequest, ReadsEveryShapeOfInput) {
  const std::pair<const char*, std::vector<EmbeddingInput>> cases[] = {
      {R"("one")", {"one"}},
      {R"(["one","two"])", {"one", "two"}},
      {R"([5,17])", {Tokens{5, 17}}},
      {R"([[5],[17,9]])", {Tokens{5}, Tokens{17, 9}}},
  };
  for (const auto& [input, want] : cases) {
    const auto parsed =
        parse_embedding_request(std::string(R"({"model":"m","input":)") + input + "}");
    ASSERT_TRUE(parsed.ok()) << parsed.error().message();
    EXPECT_EQ(parsed->inputs, want) << input;
    EXPECT_EQ(parsed->format, EmbeddingFormat::numbers);
  }
}

TEST(EmbeddingRequest, ReadsTheFormat) {
  const auto parsed = parse_embedding_request(
      R"({"model":"m","input":"a","encoding_format":"base64","user":"u","dimensions":null})");
  ASSERT_TRUE(parsed.ok()) << parsed.error().message();
  EXPECT_EQ(parsed->format, EmbeddingFormat::base64);
}

TEST(EmbeddingRequest, RefusesWhatItCannotDoByName) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"input":"a"})", "model"},
      {R"({"model":"m"})", "input"},
      {R"({"model":"m","input":7})", "input"},
      {R"({"model":"m","input":[]})", "input"},
      {R"({"model":"m","input":[[]]})", "input"},
      {R"({"model":"m","input":["a",[7,-1]]})", "input"},
      {R"({"model":"m","input":[3000000000]})", "input"},
      {R"({"model":"m","input":"a","encoding_format":"hex"})", "encoding_format"},
      {R"({"model":"m","input":"a","dimensions":8})", "dimensions"},
      {R"({"model":"m","input":"a","colour":1})", "colour"},
  };
  for (const auto& [body, field] : cases) {
    const auto parsed = parse_embedding_request(body);
    ASSERT_FALSE(parsed.ok()) << body;
    EXPECT_EQ(parsed.error().where, field) << parsed.error().message();
  }
  RequestLimits limits;
  limits.max_inputs = 1;
  EXPECT_FALSE(parse_embedding_request(R"({"model":"m","input":["a","b"]})", limits).ok());
}

TEST(EmbeddingAnswer, HasOpenAisShape) {
  const EmbeddingAnswer answer = {{{0.5f, -1}, {1e-5f, 2}}, 7};
  const auto numbers = nlohmann::json::parse(to_json(answer, "m\"", EmbeddingFormat::numbers));
  EXPECT_EQ(numbers["object"], "list");
  EXPECT_EQ(numbers["model"], "m\"");
  EXPECT_EQ(numbers["data"][1]["object"], "embedding");
  EXPECT_EQ(numbers["data"][1]["index"], 1);
  EXPECT_EQ(numbers["data"][1]["embedding"][0].get<float>(), 1e-5f);
  EXPECT_EQ(numbers["usage"]["prompt_tokens"], 7);
  EXPECT_EQ(numbers["usage"]["total_tokens"], 7);
  const auto base = nlohmann::json::parse(to_json(answer, "m", EmbeddingFormat::base64));
  EXPECT_EQ(base["data"][0]["embedding"], "AAAAPwAAgL8=");
}

TEST(Base64, IsThatOfTheRfc) {
  const std::pair<std::string_view, const char*> cases[] = {{"", ""},
                                                            {"f", "Zg=="},
                                                            {"fo", "Zm8="},
                                                            {"foo", "Zm9v"},
                                                            {"foob", "Zm9vYg=="},
                                                            {"fooba", "Zm9vYmE="},
                                                            {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, want] : cases)
    EXPECT_EQ(base64(std::as_bytes(std::span(bytes.data(), bytes.size()))), want);
}

}  // namespace
}  // namespace lathe::api
