// The parts of the server that need no socket: router, wire, errors, cancellation, metrics.
#include <gtest/gtest.h>

#include <set>

#include "server/cancellation.h"
#include "server/errors.h"
#include "server/http_wire.h"
#include "server/ids.h"
#include "server/metrics.h"
#include "server/router.h"

namespace lathe::server {
namespace {

class RecordingResponder final : public Responder {
 public:
  void send(HttpResponse response) override { sent = std::move(response); }
  void begin(StreamHead) override {}
  void write(std::string) override {}
  void end() override {}
  bool congested() const override { return false; }
  const std::shared_ptr<Cancellation>& cancellation() const override { return cancellation_; }
  HttpResponse sent;

 private:
  std::shared_ptr<Cancellation> cancellation_ = std::make_shared<Cancellation>();
};

// Answers with its own name and its parameters.
struct Named {
  std::string name;
  HttpResponse operator()(const Call& call) const {
    HttpResponse response;
    response.body = name;
    for (const auto& [key, value] : call.params) response.body += " " + key + "=" + value;
    return response;
  }
};

HttpResponse route(const Router& router, const std::string& method, const std::string& target) {
  const auto responder = std::make_shared<RecordingResponder>();
  router.handle({"req_1", method, target, {}, {}}, responder);
  return responder->sent;
}

TEST(Router, FindsTheEndpointAndItsParameters) {
  Router router;
  router.add("GET", "/a", Named{"a"});
  router.add("GET", "/a/{x}", Named{"ax"});
  router.add("GET", "/a/{x}/b", Named{"axb"});
  router.add("GET", "/m/{rest...}", Named{"m"});
  router.add("POST", "/a", Named{"post"});
  EXPECT_EQ(route(router, "GET", "/a").body, "a");
  EXPECT_EQ(route(router, "HEAD", "/a?q=1").body, "a");
  EXPECT_EQ(route(router, "POST", "/a").body, "post");
  EXPECT_EQ(route(router, "GET", "/a/1").body, "ax x=1");
  EXPECT_EQ(route(router, "GET", "/a/1%2f2+3/b").body, "axb x=1/2+3");
  EXPECT_EQ(route(router, "GET", "/m/org/name@2").body, "m rest=org/name@2");
  for (const char* unknown : {"/", "/b", "/a/", "/a/1/c", "/a//b", "/m/", "/A", "*", "x"}) {
    EXPECT_EQ(route(router, "GET", unknown).status, 404) << unknown;
  }
  EXPECT_EQ(route(router, "GET", "/a/%4").status, 400);
}

TEST(Router, OtherMethodsAre405WithAllThatAreAllowed) {
  Router router;
  router.add("GET", "/a", Named{"a"});
  router.add("POST", "/a", Named{"post"});
  const HttpResponse refused = route(router, "DELETE", "/a");
  EXPECT_EQ(refused.status, 405);
  EXPECT_EQ(find_header(refused.headers, "allow"), "GET, HEAD, POST");
}

TEST(Router, TellsHowRequestsEnded) {
  std::vector<Outcome> outcomes;
  Router router([&](const Outcome& outcome) { outcomes.push_back(outcome); });
  router.add("GET", "/m/{rest...}", Named{"m"});
  router.add("GET", "/forget", Endpoint([](const Call&, std::shared_ptr<Responder>) {}));
  route(router, "GET", "/m/x");
  route(router, "GET", "/zzz");
  route(router, "GET", "/forget");
  ASSERT_EQ(outcomes.size(), 3u);
  EXPECT_EQ(outcomes[0].route, "/m/{rest}");
  EXPECT_EQ(outcomes[0].status, 200);
  EXPECT_EQ(outcomes[1].route, "(none)");
  EXPECT_EQ(outcomes[1].status, 404);
  EXPECT_EQ(outcomes[2].status, 500);
}

TEST(PercentDecode, DecodesOrRefuses) {
  EXPECT_EQ(percent_decode("a%20b%2B+").value(), "a b++");
  EXPECT_EQ(percent_decode("").value(), "");
  for (const char* bad : {"%", "a%2", "%g0", "%0g", "% 1", "%+1", "%-1"}) {
    EXPECT_FALSE(percent_decode(bad).ok()) << bad;
  }
}

TEST(HttpMessage, HeadersAndTypesIgnoreCase) {
  const Headers headers = {{"Content-TYPE", "a"}, {"X", "1"}, {"x", "2"}};
  EXPECT_EQ(find_header(headers, "content-type"), "a");
  EXPECT_EQ(find_header(headers, "x"), "1");
  EXPECT_EQ(find_header(headers, "y"), "");
  EXPECT_TRUE(is_media_type(" Application/JSON ; charset=utf-8", "application/json"));
  EXPECT_FALSE(is_media_type("application/jsonp", "application/json"));
  EXPECT_FALSE(is_media_type("", "application/json"));
}

TEST(HttpWire, WritesAHead) {
  const Headers more = {{"Allow", "GET"}, {"Bad", "a\r\nSet-Cookie: b"}};
  ResponseHead head;
  head.status = 405;
  head.content_type = "text/plain";
  head.more = &more;
  head.content_length = 7;
  head.keep_alive = false;
  head.request_id = "req_1";
  head.unix_seconds = 784111777;
  EXPECT_EQ(head_bytes(head),
            "HTTP/1.1 405 Method Not Allowed\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
            "Server: lathe\r\nContent-Type: text/plain\r\nContent-Length: 7\r\n"
            "Connection: close\r\nx-request-id: req_1\r\nAllow: GET\r\n\r\n");
  EXPECT_EQ(chunk_bytes("0123456789abcdefg"), "11\r\n0123456789abcdefg\r\n");
  EXPECT_EQ(last_chunk_bytes(), "0\r\n\r\n");
}

TEST(Errors, EveryKindHasAStatus) {
  const auto status = [](ErrorKind kind) {
    return error_of_generation(Error{kind, "x", "", ""}, "messages", CancelReason::none).status;
  };
  EXPECT_EQ(status(ErrorKind::bad_input), 400);
  EXPECT_EQ(status(ErrorKind::not_found), 404);
  EXPECT_EQ(status(ErrorKind::already_exists), 409);
  EXPECT_EQ(status(ErrorKind::unsupported), 400);
  EXPECT_EQ(status(ErrorKind::limit), 400);
  EXPECT_EQ(status(ErrorKind::unavailable), 503);
  EXPECT_EQ(status(ErrorKind::cancelled), 503);
  EXPECT_EQ(error_of_generation(Error::cancelled("x"), "", CancelReason::timed_out).status, 504);
}

TEST(Cancellation, TheFirstReasonStaysAndEveryoneHearsOnce) {
  Cancellation cancellation;
  int before = 0, after = 0;
  cancellation.on_request([&] { ++before; });
  EXPECT_FALSE(cancellation.requested());
  cancellation.request(CancelReason::timed_out);
  cancellation.request(CancelReason::client_gone);
  cancellation.on_request([&] { ++after; });
  EXPECT_EQ(cancellation.reason(), CancelReason::timed_out);
  EXPECT_EQ(before, 1);
  EXPECT_EQ(after, 1);
}

TEST(Ids, AreAllDifferent) {
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i) ids.insert(make_id("req_"));
  EXPECT_EQ(ids.size(), 1000u);
  EXPECT_EQ(ids.begin()->size(), 28u);
}

TEST(Histogram, BucketsAreCumulativeAndBoundsInclusive) {
  Histogram histogram({0.5, 1});
  for (const double value : {0.1, 0.5, 0.75, 2.0}) histogram.observe(value);
  std::string out;
  histogram.append(out, "h", "model_name=\"m\"");
  EXPECT_EQ(out,
            "lathe:h_bucket{model_name=\"m\",le=\"0.5\"} 2\n"
            "lathe:h_bucket{model_name=\"m\",le=\"1\"} 3\n"
            "lathe:h_bucket{model_name=\"m\",le=\"+Inf\"} 4\n"
            "lathe:h_sum{model_name=\"m\"} 3.35\n"
            "lathe:h_count{model_name=\"m\"} 4\n");
}

TEST(Metrics, LabelsAreEscapedAndSeriesBounded) {
  Metrics metrics;
  GenerationRecord record;
  record.usage = {1, 1};
  record.model = "a\"b\\c\n";
  metrics.record(record);
  for (int i = 0; i < 300; ++i) {
    record.model = "m" + std::to_string(i);
    metrics.record(record);
  }
  const std::string text = metrics.render({}, HttpStats{});
  EXPECT_NE(text.find("lathe:prompt_tokens_total{model_name=\"a\\\"b\\\\c\\n\"} 1\n"),
            std::string::npos);
  EXPECT_NE(text.find("lathe:prompt_tokens_total{model_name=\"(other)\"} 45\n"), std::string::npos);
  EXPECT_EQ(text.find("m299"), std::string::npos);
}

}  // namespace
}  // namespace lathe::server
