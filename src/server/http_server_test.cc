// The HTTP server over real loopback sockets, with a handler whose behaviour the path chooses.
#include "server/http_server.h"

#include <gtest/gtest.h>

#include <set>

#include "base/log.h"
#include "server/testing/http_client.h"

namespace lathe::server {
namespace {

using std::chrono::milliseconds;
using testing::eventually;
using testing::HttpClient;

constexpr const char* kGet = "GET /echo HTTP/1.1\r\nHost: test\r\n\r\n";

class HttpServerTest : public ::testing::Test {
 protected:
  void SetUp() override { log::set_level(log::Level::off); }
  void TearDown() override {
    release_held();
    server_.reset();
    log::set_level(log::Level::info);
  }

  void start(const HttpLimits& limits = {}) {
    HttpOptions options;
    options.limits = limits;
    options.limits.linger_timeout = milliseconds(200);
    auto started = HttpServer::start(
        options,
        [this](HttpRequest request, std::shared_ptr<Responder> responder) {
          handle(std::move(request), std::move(responder));
        },
        stats_);
    ASSERT_TRUE(started.ok()) << started.error().message();
    server_ = std::move(*started);
  }

  std::uint16_t port() const { return server_->port(); }

  // /echo: method, target and body at once. /hold: kept for the test. /drop: dropped. /throw.
  void handle(HttpRequest request, std::shared_ptr<Responder> responder) {
    const std::string path(request.path());
    if (path == "/drop") return;
    if (path == "/throw") throw std::runtime_error("a bug");
    if (path == "/hold") {
      const std::lock_guard lock(mutex_);
      held_.push_back(std::move(responder));
      return;
    }
    HttpResponse response;
    response.content_type = "text/plain";
    response.body = request.method + " " + request.target + " " + request.body;
    responder->send(std::move(response));
  }

  // The responder of the next request for /hold.
  std::shared_ptr<Responder> next_held() {
    std::shared_ptr<Responder> taken;
    EXPECT_TRUE(eventually([&] {
      const std::lock_guard lock(mutex_);
      if (held_.empty()) return false;
      taken = std::move(held_.back());
      held_.pop_back();
      return true;
    }));
    return taken;
  }

  void release_held() {
    const std::lock_guard lock(mutex_);
    held_.clear();
  }

  static HttpResponse text(std::string body) {
    HttpResponse response;
    response.body = std::move(body);
    return response;
  }

  std::shared_ptr<HttpStats> stats_ = std::make_shared<HttpStats>();
  std::unique_ptr<HttpServer> server_;
  std::mutex mutex_;
  std::vector<std::shared_ptr<Responder>> held_;
};

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

TEST_F(HttpServerTest, StreamsPiecesAsTheyCome) {
  start();
  HttpClient client(port());
  client.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
  auto responder = next_held();
  responder->begin({200, "text/event-stream", {{"X-More", "yes"}}});
  const auto head = client.read_head();
  EXPECT_EQ(head->header("Content-Type"), "text/event-stream");
  EXPECT_EQ(head->header("X-More"), "yes");
  for (const char* piece : {"one", "two", "three"}) {
    responder->write(piece);
    EXPECT_EQ(client.read_chunk(), piece);  // before the next is written
  }
  responder->end();
  EXPECT_EQ(client.read_chunk(), "");
  responder.reset();
  EXPECT_EQ(client.get("/echo")->status, 200);
}

TEST_F(HttpServerTest, StreamsToAnOldClientUntilTheConnectionEnds) {
  start();
  HttpClient client(port());
  client.send("GET /hold HTTP/1.0\r\n\r\n");
  auto responder = next_held();
  responder->begin({200, "text/plain", {}});
  responder->write("a");
  responder->write("b");
  responder->end();
  EXPECT_EQ(client.read_reply()->body, "ab");
}

TEST_F(HttpServerTest, AClientThatGoesAwayCancelsItsRequest) {
  start();
  for (const bool streaming : {false, true}) {
    HttpClient client(port());
    client.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
    auto responder = next_held();
    std::atomic<int> told{0};
    responder->cancellation()->on_request([&] { ++told; });
    if (streaming) {
      responder->begin({200, "text/plain", {}});
      client.read_head();
    }
    EXPECT_FALSE(responder->cancellation()->requested());
    client.close();
    EXPECT_TRUE(eventually([&] { return told == 1; }));
    EXPECT_EQ(responder->cancellation()->reason(), CancelReason::client_gone);
    if (streaming) {
      responder->write("nobody");  // harmless
      responder->end();
    } else {
      responder->send(text("nobody"));
    }
    responder.reset();
    EXPECT_TRUE(eventually([&] { return stats_->connections_open == 0; }));
  }
}

TEST_F(HttpServerTest, ASlowReaderCongestsAndThenLosesItsStream) {
  HttpLimits limits;
  limits.congested_bytes = 10'000;
  limits.max_stream_backlog_bytes = 1'000'000;
  start(limits);
  HttpClient client(port(), 4096);
  client.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
  auto responder = next_held();
  responder->begin({200, "text/plain", {}});
  bool was_congested = false;
  std::size_t written = 0;
  while (!responder->cancellation()->requested() && written < 500'000'000) {
    responder->write(std::string(50'000, 'x'));
    written += 50'000;
    was_congested = was_congested || responder->congested();
    std::this_thread::sleep_for(milliseconds(1));
  }
  EXPECT_TRUE(was_congested);
  EXPECT_EQ(responder->cancellation()->reason(), CancelReason::client_gone);
  responder.reset();
  EXPECT_TRUE(eventually([&] { return stats_->connections_open == 0; }));
}

TEST_F(HttpServerTest, CongestionEndsWhenTheClientReads) {
  HttpLimits limits;
  limits.congested_bytes = 10'000;
  limits.max_stream_backlog_bytes = 100'000'000;
  start(limits);
  HttpClient client(port(), 4096);
  client.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
  auto responder = next_held();
  responder->begin({200, "text/plain", {}});
  responder->write(std::string(20'000'000, 'x'));
  EXPECT_TRUE(responder->congested());
  client.read_head();
  EXPECT_EQ(client.read_chunk()->size(), 20'000'000u);
  EXPECT_TRUE(eventually([&] { return !responder->congested(); }));
  responder->end();
  EXPECT_EQ(client.read_chunk(), "");
}

TEST_F(HttpServerTest, AClientThatTakesNothingIsLeftAfterTheWriteTimeout) {
  HttpLimits limits;
  limits.write_timeout = milliseconds(200);
  limits.max_stream_backlog_bytes = 100'000'000;
  start(limits);
  HttpClient client(port(), 4096);
  client.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
  auto responder = next_held();
  responder->begin({200, "text/plain", {}});
  responder->write(std::string(50'000'000, 'x'));
  EXPECT_TRUE(eventually([&] { return responder->cancellation()->requested(); }));
}

TEST_F(HttpServerTest, ADroppedOrThrowingHandlerIsA500) {
  start();
  HttpClient client(port());
  EXPECT_EQ(client.get("/drop")->status, 500);
  EXPECT_EQ(client.get("/throw")->status, 500);
  EXPECT_EQ(client.get("/echo")->status, 200);
}

TEST_F(HttpServerTest, AStreamDroppedInTheMiddleDoesNotLookWhole) {
  start();
  HttpClient client(port());
  client.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
  auto responder = next_held();
  responder->begin({200, "text/plain", {}});
  responder->write("half");
  client.read_head();
  EXPECT_EQ(client.read_chunk(), "half");
  responder.reset();
  EXPECT_EQ(client.read_chunk(), std::nullopt);
}

TEST_F(HttpServerTest, ARequestThatTakesTooLongIsCancelled) {
  HttpLimits limits;
  limits.request_timeout = milliseconds(100);
  start(limits);
  HttpClient client(port());
  client.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
  auto responder = next_held();
  EXPECT_TRUE(eventually([&] { return responder->cancellation()->requested(); }));
  EXPECT_EQ(responder->cancellation()->reason(), CancelReason::timed_out);
  responder->send(text("sorry"));
  EXPECT_EQ(client.read_reply()->body, "sorry");
}

TEST_F(HttpServerTest, ConnectionsAreBounded) {
  HttpLimits limits;
  limits.max_connections = 2;
  start(limits);
  HttpClient first(port()), second(port());
  EXPECT_EQ(first.get("/echo")->status, 200);
  EXPECT_EQ(second.get("/echo")->status, 200);
  HttpClient third(port());
  const auto refused = third.get("/echo");
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 503);
  EXPECT_EQ(refused->header("Retry-After"), "1");
  EXPECT_EQ(stats_->connections_refused, 1);
  third.close();
  second.close();
  EXPECT_TRUE(eventually([&] { return stats_->connections_open == 1; }));
  EXPECT_EQ(HttpClient(port()).get("/echo")->status, 200);
}

TEST_F(HttpServerTest, DrainingLetsRequestsEndAndTakesNoMore) {
  start();
  HttpClient busy(port()), idle(port());
  EXPECT_EQ(idle.get("/echo")->status, 200);
  busy.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
  auto responder = next_held();
  std::size_t cancelled = 99;
  std::thread drain([&] { cancelled = server_->drain(); });
  EXPECT_TRUE(idle.closed_by_server());
  EXPECT_TRUE(eventually([&] { return !HttpClient(port()).connected(); }));
  EXPECT_FALSE(responder->cancellation()->requested());
  responder->send(text("done"));
  responder.reset();
  const auto reply = busy.read_reply();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->body, "done");
  EXPECT_EQ(reply->header("Connection"), "close");
  busy.close();
  drain.join();
  EXPECT_EQ(cancelled, 0u);
}

TEST_F(HttpServerTest, DrainingServesARequestThatIsAlreadyOnItsWay) {
  start();
  HttpClient client(port());  // connected, nothing sent yet
  std::thread drain([&] { server_->drain(); });
  EXPECT_TRUE(eventually([&] { return stats_->draining.load(); }));
  EXPECT_EQ(client.get("/echo")->status, 200);
  client.close();
  drain.join();
}

TEST_F(HttpServerTest, DrainingCancelsWhatDoesNotEnd) {
  HttpLimits limits;
  limits.drain_timeout = milliseconds(100);
  start(limits);
  HttpClient client(port());
  client.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
  auto responder = next_held();
  std::size_t cancelled = 0;
  std::thread drain([&] { cancelled = server_->drain(); });
  EXPECT_TRUE(eventually([&] { return responder->cancellation()->requested(); }));
  EXPECT_EQ(responder->cancellation()->reason(), CancelReason::shutting_down);
  responder->send(text("cut short"));
  responder.reset();
  EXPECT_EQ(client.read_reply()->body, "cut short");
  client.close();
  drain.join();
  EXPECT_EQ(cancelled, 1u);
}

TEST_F(HttpServerTest, StoppingCancelsAndWaitsForHandlers) {
  start();
  HttpClient client(port());
  client.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
  auto responder = next_held();
  std::thread late([&] {
    EXPECT_TRUE(eventually([&] { return responder->cancellation()->requested(); }));
    std::this_thread::sleep_for(milliseconds(50));
    responder->send(text("too late"));
    responder.reset();
  });
  server_.reset();
  EXPECT_FALSE(responder);
  late.join();
}

TEST_F(HttpServerTest, APortInUseAndABadHostAreErrors) {
  start();
  const auto handler = [](HttpRequest, std::shared_ptr<Responder>) {};
  HttpOptions options;
  options.port = port();
  const auto taken = HttpServer::start(options, handler, std::make_shared<HttpStats>());
  ASSERT_FALSE(taken.ok());
  EXPECT_EQ(taken.error().kind, ErrorKind::already_exists);
  EXPECT_NE(taken.error().message().find(std::to_string(port())), std::string::npos);
  options.host = "no.such.host";
  const auto bad = HttpServer::start(options, handler, std::make_shared<HttpStats>());
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.error().kind, ErrorKind::bad_input);
}

TEST_F(HttpServerTest, ManyConnectionsAtOnce) {
  start();
  std::vector<std::thread> clients;
  std::atomic<int> answered{0};
  for (int c = 0; c < 8; ++c) {
    clients.emplace_back([&, c] {
      HttpClient client(port());
      for (int i = 0; i < 50; ++i) {
        const std::string body = std::to_string(c) + "/" + std::to_string(i);
        const auto reply = client.post("/echo", body);
        if (reply && reply->body == "POST /echo " + body) ++answered;
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(answered, 400);
}

}  // namespace
}  // namespace lathe::server
