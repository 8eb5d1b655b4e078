// The HTTP server over real loopback sockets: reading requests, good and bad, and its bounds.
#include <gtest/gtest.h>

#include <set>

#include "server/testing/scripted_http_server.h"

namespace lathe::server {
namespace {

using std::chrono::milliseconds;
using testing::eventually;
using testing::HttpClient;

class HttpServerTest : public testing::ScriptedHttpServer {};

constexpr const char* kGet = "GET /echo HTTP/1.1\r\nHost: test\r\n\r\n";

TEST_F(HttpServerTest, KeepsTheConnectionAndNamesEachRequest) {
  start();
  HttpClient client(port());
  std::set<std::string> ids;
  for (int i = 0; i < 3; ++i) {
    const auto reply = client.get("/echo?i=" + std::to_string(i));
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->status, 200);
    EXPECT_EQ(reply->body, "GET /echo?i=" + std::to_string(i) + " ");
    EXPECT_EQ(reply->header("Connection"), "keep-alive");
    EXPECT_FALSE(reply->header("Date").empty());
    ids.emplace(reply->header("x-request-id"));
  }
  EXPECT_EQ(ids.size(), 3u);
  EXPECT_EQ(stats_->connections_open, 1);
}

TEST_F(HttpServerTest, ClosesWhenTheClientAsks) {
  start();
  HttpClient modern(port());
  const auto reply =
      modern.exchange("GET /echo HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->header("Connection"), "close");
  EXPECT_TRUE(modern.closed_by_server());
  HttpClient old(port());
  EXPECT_EQ(old.exchange("GET /echo HTTP/1.0\r\n\r\n")->status, 200);
  EXPECT_TRUE(old.closed_by_server());
}

TEST_F(HttpServerTest, AnswersPipelinedRequestsInOrder) {
  start();
  HttpClient client(port());
  ASSERT_TRUE(client.send(HttpClient::post_bytes("/hold", "one") +
                          HttpClient::post_bytes("/echo", "two") + "\r\n" + kGet));
  auto responder = next_held();
  responder->send(text("first"));
  EXPECT_EQ(client.read_reply()->body, "first");
  EXPECT_EQ(client.read_reply()->body, "POST /echo two");
  EXPECT_EQ(client.read_reply()->body, "GET /echo ");
}

TEST_F(HttpServerTest, PipelinedGarbageIsRefusedAfterTheGoodAnswer) {
  start();
  HttpClient client(port());
  ASSERT_TRUE(client.send(std::string(kGet) + "\x01\x02 garbage\r\n\r\n"));
  EXPECT_EQ(client.read_reply()->status, 200);
  EXPECT_EQ(client.read_reply()->status, 400);
  EXPECT_TRUE(client.closed_by_server());
  EXPECT_EQ(stats_->protocol_errors, 1);
}

TEST_F(HttpServerTest, ReadsARequestByteByByte) {
  start();
  HttpClient client(port());
  for (const char c : HttpClient::post_bytes("/echo", "hello")) {
    ASSERT_TRUE(client.send({&c, 1}));
    std::this_thread::sleep_for(milliseconds(1));
  }
  EXPECT_EQ(client.read_reply()->body, "POST /echo hello");
}

TEST_F(HttpServerTest, ReadsAChunkedBody) {
  start();
  HttpClient client(port());
  const auto reply = client.exchange(
      "POST /echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n");
  EXPECT_EQ(reply->body, "POST /echo abcde");
  EXPECT_EQ(client.get("/echo")->status, 200);
}

TEST_F(HttpServerTest, RefusesWhatIsNotWellFormed) {
  start();
  const std::pair<int, std::string> cases[] = {
      {400, "GET\r\n\r\n"},
      {400, "GET /echo HTTP/1.1\r\n\r\n"},
      {400, "GET /echo HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"},
      {400, "GET /echo HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n"},
      {400, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n"},
      {400, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"},
      {400,
       "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"},
      {400, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"},
      {417, "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: tea\r\nContent-Length: 1\r\n\r\n"},
      {501, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"},
      {505, "GET /echo HTTP/2.0\r\nHost: a\r\n\r\n"},
  };
  for (const auto& [status, bytes] : cases) {
    HttpClient client(port());
    const auto reply = client.exchange(bytes);
    ASSERT_TRUE(reply) << bytes;
    EXPECT_EQ(reply->status, status) << bytes;
    EXPECT_NE(reply->body.find("\"error\""), std::string::npos);
    EXPECT_TRUE(client.closed_by_server()) << bytes;
  }
}

TEST_F(HttpServerTest, RefusesWhatIsTooLarge) {
  HttpLimits limits;
  limits.max_header_bytes = 1024;
  limits.max_body_bytes = 1000;
  start(limits);
  const std::string post = "POST /echo HTTP/1.1\r\nHost: a\r\n";
  const std::string chunked = post + "Transfer-Encoding: chunked\r\n\r\n";
  const std::pair<int, std::string> cases[] = {
      {431, "GET /echo HTTP/1.1\r\nHost: a\r\nX: " + std::string(2000, 'x') + "\r\n\r\n"},
      {431, "GET /" + std::string(100'000, 'x') + " HTTP/1.1\r\n"},
      {413, post + "Content-Length: 1001\r\n\r\n"},  // before the body is sent
      {413, post + "Content-Length: 99999999999999\r\n\r\n"},
      {413, chunked + "3e9\r\n" + std::string(1001, 'x') + "\r\n0\r\n\r\n"},
  };
  for (const auto& [status, bytes] : cases) {
    HttpClient client(port());
    client.send(bytes);
    const auto reply = client.read_reply();
    ASSERT_TRUE(reply) << bytes.substr(0, 90);
    EXPECT_EQ(reply->status, status) << bytes.substr(0, 90);
    EXPECT_TRUE(client.closed_by_server());
  }
  HttpClient client(port());
  EXPECT_EQ(client.post("/echo", std::string(1000, 'x'))->status, 200);
}

TEST_F(HttpServerTest, AnEndlessChunkLineIsRefused) {
  start();
  HttpClient client(port());
  client.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;");
  while (client.send(std::string(1000, 'x'))) {
  }
  SUCCEED();  // the server hung up instead of reading for ever
}

TEST_F(HttpServerTest, ContinuesOnExpectation) {
  start();
  HttpClient client(port());
  client.send(
      "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("ok");
  EXPECT_EQ(client.read_reply()->body, "POST /echo ok");
}

TEST_F(HttpServerTest, HeadHasTheLengthAndNoBody) {
  start();
  HttpClient client(port());
  client.send("HEAD /echo HTTP/1.1\r\nHost: a\r\n\r\n");
  const auto reply = client.read_reply(false);
  EXPECT_EQ(reply->header("Content-Length"), "11");
  EXPECT_EQ(client.get("/echo")->status, 200);
}

TEST_F(HttpServerTest, SlowHeadersTimeOutHoweverTheyDrip) {
  HttpLimits limits;
  limits.header_timeout = milliseconds(200);
  start(limits);
  HttpClient client(port());
  const auto begin = std::chrono::steady_clock::now();
  client.send("GET /echo HTTP/1.1\r\nHost: a\r\nX: ");
  while (client.send("x") && std::chrono::steady_clock::now() - begin < testing::kPatience) {
    std::this_thread::sleep_for(milliseconds(20));
  }
  EXPECT_EQ(stats_->protocol_errors, 1);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds(200));
  EXPECT_TRUE(eventually([&] { return stats_->connections_open == 0; }));
}

TEST_F(HttpServerTest, SlowPartsAreAnswered408) {
  HttpLimits limits;
  limits.header_timeout = milliseconds(100);
  limits.body_timeout = milliseconds(100);
  start(limits);
  HttpClient header(port());
  EXPECT_EQ(header.exchange("GET /echo HT")->status, 408);
  EXPECT_TRUE(header.closed_by_server());
  HttpClient body(port());
  EXPECT_EQ(
      body.exchange("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf")->status,
      408);
  EXPECT_TRUE(body.closed_by_server());
  HttpClient silent(port());
  EXPECT_EQ(silent.read_to_end(), "");
}

TEST_F(HttpServerTest, IdleConnectionsAreClosed) {
  HttpLimits limits;
  limits.idle_timeout = milliseconds(100);
  start(limits);
  HttpClient client(port());
  EXPECT_EQ(client.get("/echo")->status, 200);
  EXPECT_TRUE(client.closed_by_server());
}

}  // namespace
}  // namespace lathe::server
