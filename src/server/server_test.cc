// The whole endpoint over real loopback sockets, with a fake backend.
#include "server/server.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/log.h"
#include "server/testing/fake_backend.h"
#include "server/testing/http_client.h"

namespace lathe::server {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using testing::eventually;
using testing::FakeBackend;
using testing::HttpClient;
using testing::Reply;

std::string chat(const std::string& model, const std::string& content,
                 const std::string& more = {}) {
  return fmt::format(R"({{"model":"{}","messages":[{{"role":"user","content":"{}"}}]{}}})", model,
                     content, more.empty() ? "" : "," + more);
}

// The data of every event, in order.
std::vector<std::string> events(const std::string& body) {
  std::vector<std::string> all;
  for (std::size_t at = 0, end; (end = body.find("\n\n", at)) != std::string::npos; at = end + 2) {
    EXPECT_EQ(body.compare(at, 6, "data: "), 0);
    all.push_back(body.substr(at + 6, end - at - 6));
  }
  return all;
}

class ServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    log::set_level(log::Level::off);
    start({});
  }
  void TearDown() override {
    server_.reset();
    log::set_level(log::Level::info);
  }

  void start(const HttpLimits& limits) {
    server_.reset();
    ServerOptions options;
    options.http.limits = limits;
    auto started = Server::start(backend_, options, clock_);
    ASSERT_TRUE(started.ok()) << started.error().message();
    server_ = std::move(*started);
  }

  Reply get(const std::string& target) {
    return HttpClient(server_->port()).get(target).value_or(Reply{});
  }
  Reply post(const std::string& target, const std::string& body) {
    return HttpClient(server_->port()).post(target, body).value_or(Reply{});
  }
  Reply post_chat(const std::string& body) { return post("/v1/chat/completions", body); }

  void expect_error(const Reply& reply, int status, const json& param, const json& code) {
    EXPECT_EQ(reply.status, status) << reply.body;
    const json error = json::parse(reply.body).at("error");
    EXPECT_EQ(error.at("param"), param) << reply.body;
    EXPECT_EQ(error.at("code"), code) << reply.body;
    EXPECT_TRUE(error.at("message").is_string());
    EXPECT_TRUE(error.at("type").is_string());
  }

  FakeBackend backend_;
  os::SystemClock clock_;
  std::unique_ptr<Server> server_;
};

TEST_F(ServerTest, AnswersAChat) {
  const Reply reply = post_chat(chat("echo", "one two three", R"("temperature":0.5,"seed":4)"));
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.header("Content-Type"), "application/json");
  const json body = json::parse(reply.body);
  EXPECT_EQ(body["object"], "chat.completion");
  EXPECT_EQ(body["model"], "echo");
  EXPECT_TRUE(body["id"].get<std::string>().starts_with("chatcmpl-"));
  EXPECT_EQ(body["choices"][0]["message"]["content"], "one two three");
  EXPECT_EQ(body["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(body["usage"]["total_tokens"], 6);
  EXPECT_EQ(body["lathe"]["load_ms"], 1.5);
  EXPECT_EQ(body["lathe"]["version"], "helpdesk@2");
  EXPECT_EQ(backend_.last_spec().sampling.temperature, 0.5);
  EXPECT_EQ(backend_.last_spec().sampling.seed, 4);
}

TEST_F(ServerTest, AnswersACompletionUpToItsLength) {
  const Reply reply =
      post("/v1/completions", R"({"model":"echo","prompt":"one two three","max_tokens":2})");
  ASSERT_EQ(reply.status, 200) << reply.body;
  const json body = json::parse(reply.body);
  EXPECT_EQ(body["object"], "text_completion");
  EXPECT_EQ(body["choices"][0]["text"], "one two");
  EXPECT_EQ(body["choices"][0]["finish_reason"], "length");
}

TEST_F(ServerTest, AnswersEmbeddingsInTheOrderOfTheInputs) {
  const Reply reply = post("/v1/embeddings", R"({"model":"echo","input":["abc","de"]})");
  ASSERT_EQ(reply.status, 200) << reply.body;
  const json body = json::parse(reply.body);
  EXPECT_EQ(body["data"][0]["embedding"], json({0, 3}));
  EXPECT_EQ(body["data"][1]["embedding"], json({1, 2}));
  EXPECT_EQ(body["model"], "echo");
  EXPECT_EQ(body["usage"]["total_tokens"], 5);
}

TEST_F(ServerTest, RefusesEmbeddingsWithTheFieldOrTheModel) {
  const Reply bad = post("/v1/embeddings", R"({"model":"echo","input":[]})");
  EXPECT_EQ(bad.status, 400);
  EXPECT_EQ(json::parse(bad.body)["error"]["param"], "input");
  EXPECT_EQ(post("/v1/embeddings", R"({"model":"none","input":"a"})").status, 404);
  EXPECT_EQ(post("/v1/embeddings", R"({"model":"full","input":"a"})").status, 503);
  const Reply longer = post("/v1/embeddings", R"({"model":"long","input":"a"})");
  EXPECT_EQ(longer.status, 400);
  EXPECT_EQ(json::parse(longer.body)["error"]["code"], "context_length_exceeded");
}

TEST_F(ServerTest, StreamsAChatInOrder) {
  const Reply reply = post_chat(
      chat("echo", "one two three", R"("stream":true,"stream_options":{"include_usage":true})"));
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.header("Content-Type"), "text/event-stream; charset=utf-8");
  const auto all = events(reply.body);
  ASSERT_EQ(all.size(), 7u) << reply.body;  // role, three words, finish, usage, [DONE]
  EXPECT_EQ(all.back(), "[DONE]");
  EXPECT_EQ(json::parse(all[0])["choices"][0]["delta"]["role"], "assistant");
  std::string text;
  for (std::size_t i = 1; i < 4; ++i) {
    const json chunk = json::parse(all[i]);
    EXPECT_EQ(chunk["object"], "chat.completion.chunk");
    EXPECT_EQ(chunk["id"], json::parse(all[0])["id"]);
    text += chunk["choices"][0]["delta"]["content"].get<std::string>();
  }
  EXPECT_EQ(text, "one two three");
  EXPECT_EQ(json::parse(all[4])["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(json::parse(all[5])["usage"]["completion_tokens"], 3);
  EXPECT_EQ(json::parse(all[5])["lathe"]["version"], "helpdesk@2");
}

TEST_F(ServerTest, StreamsACompletion) {
  const Reply reply =
      post("/v1/completions", R"({"model":"echo","prompt":"one two","stream":true})");
  const auto all = events(reply.body);
  ASSERT_EQ(all.size(), 4u) << reply.body;
  EXPECT_EQ(json::parse(all[0])["choices"][0]["text"], "one");
  EXPECT_EQ(json::parse(all[2])["lathe"]["load_ms"], 1.5);
}

TEST_F(ServerTest, WrongRequestsNameTheField) {
  expect_error(post_chat(chat("echo", "x", R"("temperature":3)")), 400, "temperature",
               "invalid_value");
  expect_error(post_chat(chat("echo", "x", R"("n":2)")), 400, "n", "unsupported_parameter");
  expect_error(post_chat(R"({"model":"echo","messages":[{"role":"user"}]})"), 400,
               "messages[0].content", "invalid_value");
  expect_error(post("/v1/completions", R"({"model":"echo"})"), 400, "prompt", "invalid_value");
  const Reply broken = post_chat("{\"model\": ");
  expect_error(broken, 400, nullptr, "invalid_value");
  EXPECT_NE(broken.body.find("line 1, column 11"), std::string::npos) << broken.body;
}

TEST_F(ServerTest, ErrorsOfTheBackendHaveTheirStatus) {
  for (const char* more : {"", R"("stream":true)"}) {
    expect_error(post_chat(chat("nobody", "x", more)), 404, "model", "model_not_found");
    const Reply too_long = post_chat(chat("long", "x", more));
    expect_error(too_long, 400, "messages", "context_length_exceeded");
    EXPECT_NE(too_long.body.find("5000"), std::string::npos);
    const Reply full = post_chat(chat("full", "x", more));
    expect_error(full, 503, nullptr, "unavailable");
    EXPECT_EQ(full.header("Retry-After"), "1");
    const Reply broken = post_chat(chat("broken", "x", more));
    expect_error(broken, 500, nullptr, "internal_error");
    EXPECT_EQ(broken.body.find("secret"), std::string::npos);
    expect_error(post_chat(chat("dropped", "x", more)), 500, nullptr, "internal_error");
  }
  expect_error(post("/v1/completions", R"({"model":"long","prompt":"x"})"), 400, "prompt",
               "context_length_exceeded");
}

TEST_F(ServerTest, AnErrorInAStreamIsAnEventAndNoDone) {
  const auto all = events(post_chat(chat("half", "x", R"("stream":true)")).body);
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(json::parse(all[1])["choices"][0]["delta"]["content"], "half");
  EXPECT_EQ(json::parse(all[2])["error"]["code"], "unavailable");
  expect_error(post_chat(chat("half", "x")), 503, nullptr, "unavailable");
}

TEST_F(ServerTest, UnknownPathsMethodsAndTypes) {
  expect_error(get("/v2/models"), 404, nullptr, nullptr);
  expect_error(get("/"), 404, nullptr, nullptr);
  const Reply method = get("/v1/chat/completions");
  expect_error(method, 405, nullptr, nullptr);
  EXPECT_EQ(method.header("Allow"), "POST");
  const Reply post_models = post("/v1/models", "{}");
  EXPECT_EQ(post_models.status, 405);
  EXPECT_EQ(post_models.header("Allow"), "GET, HEAD");
  HttpClient client(server_->port());
  for (const char* type : {"", "Content-Type: text/plain\r\n",
                           "Content-Type: application/json\r\nContent-Encoding: gzip\r\n"}) {
    const auto reply = client.exchange(fmt::format(
        "POST /v1/completions HTTP/1.1\r\nHost: a\r\n{}Content-Length: 2\r\n\r\n{{}}", type));
    ASSERT_TRUE(reply);
    expect_error(*reply, 415, nullptr, nullptr);
  }
}

TEST_F(ServerTest, ListsModelsAndDeployments) {
  EXPECT_EQ(json::parse(get("/v1/models").body)["data"].size(), 2u);
  EXPECT_EQ(json::parse(get("/v1/models/echo").body)["id"], "echo");
  EXPECT_EQ(json::parse(get("/v1/models/org/name").body)["id"], "org/name");
  EXPECT_EQ(json::parse(get("/v1/models/org%2Fname?x=1").body)["id"], "org/name");
  expect_error(get("/v1/models/none"), 404, "model", "model_not_found");
  expect_error(get("/v1/models/%zz"), 400, nullptr, "invalid_value");
  EXPECT_EQ(json::parse(get("/v1/deployments").body)["data"][0]["name"], "helpdesk");
  EXPECT_EQ(json::parse(get("/v1/deployments/helpdesk").body)["version"], "2");
  EXPECT_EQ(json::parse(get("/v1/deployments/helpdesk/versions").body)["data"].size(), 2u);
  expect_error(get("/v1/deployments/none"), 404, nullptr, "not_found");
  expect_error(get("/v1/deployments/none/versions"), 404, nullptr, "not_found");
}

TEST_F(ServerTest, HealthAndReadiness) {
  EXPECT_EQ(get("/health").status, 200);
  EXPECT_EQ(get("/ready").status, 200);
  backend_.is_ready = false;
  const Reply not_ready = get("/ready");
  expect_error(not_ready, 503, nullptr, "unavailable");
  EXPECT_NE(not_ready.body.find("store is not open"), std::string::npos);
  EXPECT_EQ(get("/health").status, 200);
}

TEST_F(ServerTest, MetricsCountWhatHappened) {
  post_chat(chat("echo", "one two three"));
  post_chat(chat("full", "x"));
  get("/nowhere");
  const Reply reply = get("/metrics");
  EXPECT_EQ(reply.header("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
  for (const char* line :
       {"lathe:num_requests_running 0\n", "lathe:num_requests_waiting 0\n",
        "lathe:prompt_tokens_total{model_name=\"echo\"} 3\n",
        "lathe:generation_tokens_total{model_name=\"echo\"} 3\n",
        "lathe:request_success_total{model_name=\"echo\",finished_reason=\"stop\"} 1\n",
        "lathe:time_to_first_token_seconds_count{model_name=\"echo\"} 1\n",
        "lathe:e2e_request_latency_seconds_bucket{model_name=\"echo\",le=\"+Inf\"} 1\n",
        "lathe:request_failure_total{kind=\"unavailable\"} 1\n",
        "lathe:http_requests_total{method=\"POST\",route=\"/v1/chat/completions\","
        "status=\"503\"} 1\n",
        "lathe:http_requests_total{method=\"GET\",route=\"(none)\",status=\"404\"} 1\n"}) {
    EXPECT_NE(reply.body.find(line), std::string::npos) << line << reply.body;
  }
}

TEST_F(ServerTest, AClientThatLeavesStopsItsWork) {
  for (const char* model : {"endless", "silent"}) {
    for (const char* more : {"", R"("stream":true)"}) {
      SCOPED_TRACE(fmt::format("{} {}", model, more));
      const int before = backend_.cancelled;
      HttpClient client(server_->port());
      client.send(HttpClient::post_bytes("/v1/chat/completions", chat(model, "x", more)));
      EXPECT_TRUE(eventually([&] { return backend_.running() == 1; }));
      client.close();
      EXPECT_TRUE(eventually([&] { return backend_.running() == 0; }));
      EXPECT_EQ(backend_.cancelled, before + 1);
    }
  }
  EXPECT_NE(get("/metrics").body.find("status=\"499\""), std::string::npos);
}

TEST_F(ServerTest, ManyStreamsRunInOneBatch) {
  constexpr int kClients = 24;
  std::vector<std::thread> clients;
  std::atomic<int> right{0};
  std::string words = "w0";
  for (int i = 1; i < 200; ++i) words += fmt::format(" w{}", i);
  for (int c = 0; c < kClients; ++c) {
    clients.emplace_back([&, c] {
      const std::string mine = fmt::format("client{} {}", c, words);
      std::string text;
      for (const std::string& event :
           events(post_chat(chat("echo", mine, R"("stream":true)")).body)) {
        if (event == "[DONE]") break;
        text += json::parse(event)["choices"][0]["delta"].value("content", "");
      }
      if (text == mine) ++right;
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(right, kClients);
  EXPECT_GT(backend_.widest, kClients / 2);
}

TEST_F(ServerTest, ASlowClientPausesAPoliteBackendAndStillGetsEverything) {
  HttpClient client(server_->port(), 4096);
  client.send(
      HttpClient::post_bytes("/v1/chat/completions", chat("polite", "x", R"("stream":true)")));
  EXPECT_TRUE(eventually([&] { return backend_.pauses > 20; }));
  const auto reply = client.read_reply();
  ASSERT_TRUE(reply);
  EXPECT_TRUE(reply->body.ends_with("data: [DONE]\n\n"));
  EXPECT_GT(reply->body.size(), 16'000'000u);
}

TEST_F(ServerTest, ASlowClientOfAnImpoliteBackendIsCutOff) {
  HttpClient client(server_->port(), 4096);
  client.send(
      HttpClient::post_bytes("/v1/chat/completions", chat("flood", "x", R"("stream":true)")));
  EXPECT_TRUE(eventually([&] { return backend_.cancelled == 1; }));
  EXPECT_FALSE(client.read_reply());
}

TEST_F(ServerTest, ATimeoutIs504OrAnEvent) {
  HttpLimits limits;
  limits.request_timeout = milliseconds(150);
  start(limits);
  expect_error(post_chat(chat("silent", "x")), 504, nullptr, "timeout");
  expect_error(post_chat(chat("endless", "x")), 504, nullptr, "timeout");
  const auto all = events(post_chat(chat("endless", "x", R"("stream":true)")).body);
  ASSERT_GE(all.size(), 2u);
  EXPECT_EQ(json::parse(all.back())["error"]["code"], "timeout");
}

TEST_F(ServerTest, DrainingEndsStreamsAndCancelsTheEndless) {
  HttpLimits limits;
  limits.drain_timeout = milliseconds(200);
  start(limits);
  HttpClient client(server_->port());
  client.send(
      HttpClient::post_bytes("/v1/chat/completions", chat("endless", "x", R"("stream":true)")));
  EXPECT_TRUE(eventually([&] { return backend_.running() == 1; }));
  std::size_t cancelled = 0;
  std::thread drain([&] { cancelled = server_->drain(); });
  const auto reply = client.read_reply();
  ASSERT_TRUE(reply);
  EXPECT_EQ(json::parse(events(reply->body).back())["error"]["code"], "unavailable");
  client.close();
  drain.join();
  EXPECT_EQ(cancelled, 1u);
  EXPECT_TRUE(eventually([&] { return backend_.running() == 0; }));
}

TEST_F(ServerTest, ReadinessEndsWithDraining) {
  HttpClient hold(server_->port());
  hold.send(HttpClient::post_bytes("/v1/chat/completions", chat("silent", "x")));
  EXPECT_TRUE(eventually([&] { return backend_.running() == 1; }));
  HttpClient fresh(server_->port());
  fresh.send("GET /re");  // on its way when draining begins
  EXPECT_EQ(get("/health").status, 200);
  std::thread drain([&] { server_->drain(); });
  EXPECT_TRUE(eventually([&] { return !HttpClient(server_->port()).connected(); }));
  EXPECT_EQ(fresh.exchange("ady HTTP/1.1\r\nHost: a\r\n\r\n")->status, 503);
  fresh.close();
  hold.close();
  drain.join();
}

TEST_F(ServerTest, UrlNamesHostAndPort) {
  EXPECT_EQ(server_->url(), fmt::format("http://127.0.0.1:{}", server_->port()));
}

}  // namespace
}  // namespace lathe::server
