// The HTTP server over real loopback sockets: streams, clients that go away or are slow, draining
// and stopping.
#include <gtest/gtest.h>

#include "server/testing/scripted_http_server.h"

namespace lathe::server {
namespace {

using std::chrono::milliseconds;
using testing::eventually;
using testing::HttpClient;

class HttpLifetimeTest : public testing::ScriptedHttpServer {};

TEST_F(HttpLifetimeTest, StreamsPiecesAsTheyCome) {
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

TEST_F(HttpLifetimeTest, StreamsToAnOldClientUntilTheConnectionEnds) {
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

TEST_F(HttpLifetimeTest, AClientThatGoesAwayCancelsItsRequest) {
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

TEST_F(HttpLifetimeTest, ASlowReaderCongestsAndThenLosesItsStream) {
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

TEST_F(HttpLifetimeTest, CongestionEndsWhenTheClientReads) {
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

TEST_F(HttpLifetimeTest, AClientThatTakesNothingIsLeftAfterTheWriteTimeout) {
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

TEST_F(HttpLifetimeTest, ADroppedOrThrowingHandlerIsA500) {
  start();
  HttpClient client(port());
  EXPECT_EQ(client.get("/drop")->status, 500);
  EXPECT_EQ(client.get("/throw")->status, 500);
  EXPECT_EQ(client.get("/echo")->status, 200);
}

TEST_F(HttpLifetimeTest, AStreamDroppedInTheMiddleDoesNotLookWhole) {
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

TEST_F(HttpLifetimeTest, ARequestThatTakesTooLongIsCancelled) {
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

TEST_F(HttpLifetimeTest, ConnectionsAreBounded) {
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

TEST_F(HttpLifetimeTest, DrainingLetsRequestsEndAndTakesNoMore) {
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

TEST_F(HttpLifetimeTest, DrainingServesARequestThatIsAlreadyOnItsWay) {
  start();
  HttpClient client(port());  // connected, nothing sent yet
  std::thread drain([&] { server_->drain(); });
  EXPECT_TRUE(eventually([&] { return stats_->draining.load(); }));
  EXPECT_EQ(client.get("/echo")->status, 200);
  client.close();
  drain.join();
}

TEST_F(HttpLifetimeTest, DrainingCancelsWhatDoesNotEnd) {
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

TEST_F(HttpLifetimeTest, StoppingCancelsAndWaitsForHandlers) {
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

TEST_F(HttpLifetimeTest, APortInUseAndABadHostAreErrors) {
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

TEST_F(HttpLifetimeTest, ManyConnectionsAtOnce) {
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
