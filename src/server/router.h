// Which endpoint answers a request. An endpoint is one small struct that holds the few things it
// needs and is called with a Call; it either returns its response or takes the Responder along.
//
// Thread-safety: add() before the first handle(); then any thread. Endpoints are called from many
// threads at once.
#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "server/http_message.h"
#include "server/responder.h"

namespace lathe::server {

// A request and what stood in the places of its pattern, percent-decoded.
struct Call {
  const HttpRequest& request;
  std::vector<std::pair<std::string, std::string>> params;

  // REQUIRES: the pattern has this place.
  const std::string& param(std::string_view name) const;
};

using Endpoint = std::function<void(const Call&, std::shared_ptr<Responder>)>;

// An endpoint that has its response at once.
template <class E>
concept ImmediateEndpoint = requires(const E& endpoint, const Call& call) {
  { endpoint(call) } -> std::convertible_to<HttpResponse>;
};

// What became of a request: its pattern ("(none)" when no route matched), status and seconds.
// 499 stands for a client that went away before its answer.
struct Outcome {
  std::string method;
  std::string route;
  int status = 0;
  double seconds = 0;
};
using OutcomeObserver = std::function<void(const Outcome&)>;

class Router {
 public:
  struct Route {
    std::string method;   // "GET"
    std::string pattern;  // "/v1/models/{model}"
  };

  // observe may be empty; it is called on any thread when a request is answered.
  explicit Router(OutcomeObserver observe = {}) : observe_(std::move(observe)) {}

  // Places of a pattern are whole segments, "{name}"; "{name...}" as the last one takes the rest of
  // the path, slashes included. Earlier routes win.
  void add(std::string method, std::string_view pattern, Endpoint endpoint);

  template <ImmediateEndpoint E>
  void add(std::string method, std::string_view pattern, E endpoint) {
    add(std::move(method), pattern,
        Endpoint([endpoint = std::move(endpoint)](const Call& call,
                                                  std::shared_ptr<Responder> responder) {
          responder->send(endpoint(call));
        }));
  }

  // HEAD goes to the GET of its path. Unknown paths are 404, other methods 405 with Allow.
  void handle(HttpRequest request, std::shared_ptr<Responder> responder) const;

  // Every route, in the order of add(), with "{name...}" written as "{name}".
  std::vector<Route> routes() const;

 private:
  struct Entry {
    std::string method;
    std::vector<std::string> segments;
    Endpoint endpoint;
  };
  struct Match {
    const Entry* entry = nullptr;
    std::vector<std::pair<std::string, std::string>> params;
    std::string allowed;  // methods of the path, when it exists and the method does not
    std::string route = "(none)";
  };

  Result<Match> match(const HttpRequest& request) const;

  std::vector<Entry> entries_;
  OutcomeObserver observe_;
};

// "%2F" to "/"; a plus sign stays. Errors: bad_input.
Result<std::string> percent_decode(std::string_view text);

}  // namespace lathe::server
