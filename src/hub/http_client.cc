#include "hub/http_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <random>
#include <thread>

#include "formats/foreign_text.h"
#include "formats/json.h"
#include "hub/http_exchange.h"

namespace lathe::hub {
namespace {

constexpr int kMaxHops = 5;
constexpr double kFirstWait = 0.5;    // seconds; doubled each time
constexpr double kLongestWait = 120;  // what a server may ask for

bool is_redirect(long status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

std::string unquoted(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"')
    text = text.substr(1, text.size() - 2);
  return std::string(text);
}

// The "error" of a JSON body, or its beginning.
std::string reason_of(const std::string& body) {
  if (const auto json = formats::parse_json_object(body, {.max_bytes = 4096}); json.ok()) {
    const auto text = formats::JsonFields(*json).find_string("error");
    if (text.ok() && *text) return ": " + formats::in_quotes(**text);
  }
  return {};
}

Error locked(const Url& url, const HttpSettings& settings, const std::string& reason) {
  const bool asked_for = settings.token_for && origin(*settings.token_for) == origin(url);
  Error error{ErrorKind::bad_input,
              fmt::format("the server does not let this be read{}", reason),
              to_string(url),
              {}};
  if (!asked_for || !settings.token.empty())
    return std::move(error).fix_with(
        "check that the name is right, that you have accepted the model's terms on its page, and "
        "that the token in HF_TOKEN may read it");
  return std::move(error).fix_with(
      "check that the name is right; for a gated or private model, accept its terms on its page "
      "and set HF_TOKEN to a token of your account");
}

Attempt refusal(const HttpExchange& exchange, const HttpSettings& settings, double wait) {
  const long status = exchange.head().status;
  const Url& url = exchange.head().url;
  const std::string reason = reason_of(exchange.refusal());
  if (status == 401 || status == 403) return {locked(url, settings, reason)};
  if (status == 404 || status == 410)
    return {Error::not_found("the server has no such thing" + reason)
                .at(to_string(url))
                .fix_with("check the name, the revision and the file")};
  if (status == 429 || status == 408 || status >= 500)
    return {Error::unavailable(fmt::format("the server answers {}{}", status, reason))
                .at(origin(url))
                .fix_with(status == 429 ? "it has had too many requests: try again later"
                                        : "try again later"),
            true, wait};
  return {Error::io(fmt::format("the server answers {}{}", status, reason)).at(to_string(url))};
}

}  // namespace

const std::string& ResponseHead::field(const char* name) const {
  static const std::string kNone;
  const auto found = fields.find(name);
  return found == fields.end() ? kNone : found->second;
}

std::string ResponseHead::strong_etag() const {
  const std::string& tag = field("etag");
  return tag.starts_with('"') ? tag : std::string();
}

// libcurl's handles, which keep their connections between requests.
class HttpClient::Handles {
 public:
  explicit Handles(const LibCurl& curl) : curl_(curl) {}
  ~Handles() {
    for (CURL* handle : idle_) curl_.easy_cleanup(handle);
  }

  const LibCurl& curl() const { return curl_; }
  CURL* take() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) {
      CURL* made = curl_.easy_init();
      LATHE_ASSERT(made != nullptr);
      return made;
    }
    CURL* handle = idle_.back();
    idle_.pop_back();
    curl_.easy_reset(handle);
    return handle;
  }

  void give_back(CURL* handle) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(handle);
  }

 private:
  const LibCurl& curl_;
  std::mutex mutex_;  // guards idle_
  std::vector<CURL*> idle_;
};

HttpClient::HttpClient(HttpSettings settings)
    : settings_(std::move(settings)), access_(settings_.named) {}

HttpClient::~HttpClient() = default;

Result<HttpClient::Handles*> HttpClient::handles() {
  const std::lock_guard lock(handles_mutex_);
  if (handles_ == nullptr) {
    LATHE_TRY(const LibCurl* curl, libcurl());
    handles_ = std::make_unique<Handles>(*curl);
  }
  return handles_.get();
}

Attempt HttpClient::get(const Url& url, const std::optional<ByteRange>& range, BodyReader& reader) {
  // Hands the hash that a hop named to the caller's reader, which sees the last head alone.
  struct Reader final : BodyReader {
    BodyReader& inner;
    std::string linked_hash;
    explicit Reader(BodyReader& to) : inner(to) {}
    Status head(const ResponseHead& head) override {
      ResponseHead whole = head;
      if (!linked_hash.empty()) whole.linked_hash = linked_hash;
      return inner.head(whole);
    }
    Status body(std::span<const std::byte> bytes) override { return inner.body(bytes); }
  } with_hash(reader);

  const auto found = handles();
  if (!found.ok()) return {found.error()};
  Handles* handles = *found;
  Url at = url;
  for (int hop = 0; hop <= kMaxHops; ++hop) {
    const auto addresses = access_.admit(at);
    if (!addresses.ok())
      return {addresses.error(), addresses.error().kind == ErrorKind::unavailable};
    const bool with_token = !settings_.token.empty() && settings_.token_for &&
                            origin(*settings_.token_for) == origin(at);
    CURL* handle = handles->take();
    const std::unique_ptr<CURL, std::function<void(CURL*)>> give_back(
        handle, [handles](CURL* used) { handles->give_back(used); });
    HttpExchange exchange({handles->curl(), handle}, settings_, {at, *addresses, range, with_token},
                          with_hash);
    Attempt attempt = exchange.run();
    if (!attempt.status.ok()) return attempt;
    const ResponseHead& head = exchange.head();
    if (head.status == 200 || head.status == 206) return attempt;
    if (!is_redirect(head.status)) return refusal(exchange, settings_, attempt.wait_seconds);

    const std::string& linked = head.field("x-linked-etag");
    if (!linked.empty()) with_hash.linked_hash = unquoted(linked);
    const auto next = resolve(at, head.field("location"));
    if (!next.ok()) return {Error(next.error()).at("a redirect of " + origin(at))};
    if (at.scheme == Url::Scheme::https && next->scheme == Url::Scheme::http)
      return {Error::bad_input("the server sends us from https to http, where anybody could "
                               "change the files: " +
                               origin(*next))
                  .at(origin(at))};
    at = *next;
  }
  return {Error::bad_input(fmt::format("the server sends us on more than {} times", kMaxHops))
              .at(to_string(url))};
}

Status HttpClient::retry(FunctionRef<Attempt()> attempt) const {
  thread_local std::minstd_rand random(std::random_device{}());
  for (int made = 1;; ++made) {
    Attempt last = attempt();
    if (last.status.ok() || !last.may_pass || made >= settings_.attempts) return last.status;
    if (last.wait_seconds > kLongestWait)
      return Error::unavailable(
                 fmt::format("the server asks for a pause of {:.0f} seconds", last.wait_seconds))
          .fix_with("run it again after that: what came is kept");
    const double longest = std::min(16.0, kFirstWait * static_cast<double>(1 << (made - 1)));
    const double jitter = std::uniform_real_distribution<double>(0.5, 1)(random);
    std::this_thread::sleep_for(
        std::chrono::duration<double>(std::max(last.wait_seconds, longest * jitter)));
  }
}

Result<std::string> HttpClient::get_text(const Url& url, std::size_t max_bytes) {
  struct Reader final : BodyReader {
    std::string text;
    std::size_t limit;
    explicit Reader(std::size_t most) : limit(most) {}
    Status head(const ResponseHead& head) override {
      text.clear();
      if (head.status == 200) return {};
      return Error::bad_input("the server sends a part of what was asked for");
    }
    Status body(std::span<const std::byte> bytes) override {
      if (bytes.size() > limit - text.size())
        return Error::limit(fmt::format("the answer has more than {} bytes", limit));
      text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      return {};
    }
  } reader(max_bytes);
  const Status status = retry([&] {
    reader.text.clear();
    return get(url, std::nullopt, reader);
  });
  if (!status.ok()) {
    Error error = status.error();
    return error.where.empty() ? std::move(error).at(to_string(url)) : error;
  }
  return std::move(reader.text);
}

}  // namespace lathe::hub
