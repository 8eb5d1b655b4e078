#include "server/router.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "server/errors.h"
#include "server/observed_responder.h"

namespace lathe::server {
namespace {

using Params = std::vector<std::pair<std::string, std::string>>;

std::vector<std::string_view> split_path(std::string_view path) {
  std::vector<std::string_view> segments;
  path.remove_prefix(1);
  for (;;) {
    const std::size_t slash = path.find('/');
    segments.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return segments;
    path.remove_prefix(slash + 1);
  }
}

bool is_place(std::string_view segment) { return segment.starts_with('{'); }
bool takes_rest(std::string_view segment) { return segment.ends_with("...}"); }

std::string place_name(std::string_view segment) {
  segment.remove_prefix(1);
  segment.remove_suffix(takes_rest(segment) ? 4 : 1);
  return std::string(segment);
}

// The raw text at each place, or nothing when the path is another one.
std::optional<Params> match_segments(const std::vector<std::string>& pattern,
                                     const std::vector<std::string_view>& path) {
  Params params;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (i >= path.size()) return std::nullopt;
    if (!is_place(pattern[i])) {
      if (pattern[i] != path[i]) return std::nullopt;
      continue;
    }
    if (path[i].empty()) return std::nullopt;
    std::string text(path[i]);
    if (takes_rest(pattern[i])) {
      for (std::size_t rest = i + 1; rest < path.size(); ++rest)
        text.append("/").append(path[rest]);
      params.emplace_back(place_name(pattern[i]), std::move(text));
      return params;
    }
    params.emplace_back(place_name(pattern[i]), std::move(text));
  }
  if (path.size() != pattern.size()) return std::nullopt;
  return params;
}

std::string pattern_text(const std::vector<std::string>& segments) {
  std::string text;
  for (const std::string& segment : segments) {
    text += '/';
    text += is_place(segment) ? fmt::format("{{{}}}", place_name(segment)) : segment;
  }
  return text;
}

void allow(std::string& allowed, const std::string& method) {
  if (!allowed.empty()) allowed += ", ";
  allowed += method == "GET" ? "GET, HEAD" : method;
}

}  // namespace

Result<std::string> percent_decode(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    unsigned value = 0;
    const char* first = text.data() + i + 1;
    if (i + 2 >= text.size() || std::from_chars(first, first + 2, value, 16).ptr != first + 2) {
      return Error::bad_input("a percent sign in the path is not followed by two hex digits");
    }
    decoded += static_cast<char>(value);
    i += 2;
  }
  return decoded;
}

const std::string& Call::param(std::string_view name) const {
  for (const auto& [key, value] : params) {
    if (key == name) return value;
  }
  LATHE_ASSERT(!"the pattern has no such place");
  return params.front().second;
}

void Router::add(std::string method, std::string_view pattern, Endpoint endpoint) {
  LATHE_ASSERT(pattern.starts_with('/'));
  Entry entry{std::move(method), {}, std::move(endpoint)};
  for (const std::string_view segment : split_path(pattern)) entry.segments.emplace_back(segment);
  entries_.push_back(std::move(entry));
}

Result<Router::Match> Router::match(const HttpRequest& request) const {
  Match found;
  if (!request.target.starts_with('/')) return found;
  const auto path = split_path(request.path());
  const std::string method = request.method == "HEAD" ? "GET" : request.method;
  for (const Entry& entry : entries_) {
    auto params = match_segments(entry.segments, path);
    if (!params) continue;
    found.route = pattern_text(entry.segments);
    if (entry.method != method) {
      allow(found.allowed, entry.method);
      continue;
    }
    for (auto& [name, text] : *params) {
      LATHE_TRY(text, percent_decode(text));
    }
    found.entry = &entry;
    found.params = std::move(*params);
    return found;
  }
  return found;
}

void Router::handle(HttpRequest request, std::shared_ptr<Responder> responder) const {
  auto matched = match(request);
  if (observe_) {
    responder = std::make_shared<ObservedResponder>(
        std::move(responder), request.method, matched.ok() ? matched->route : "(none)", observe_);
  }
  if (!matched.ok()) return responder->send(to_response(error_of_request(matched.error())));
  if (matched->entry) {
    return matched->entry->endpoint(Call{request, std::move(matched->params)},
                                    std::move(responder));
  }
  if (matched->allowed.empty()) {
    return responder->send(protocol_error(404, fmt::format("there is no {}", request.path())));
  }
  HttpResponse refusal =
      protocol_error(405, fmt::format("{} is not a method of {}; it has {}", request.method,
                                      matched->route, matched->allowed));
  refusal.headers.emplace_back("Allow", matched->allowed);
  responder->send(std::move(refusal));
}

std::vector<Router::Route> Router::routes() const {
  std::vector<Route> all;
  for (const Entry& entry : entries_) all.push_back({entry.method, pattern_text(entry.segments)});
  return all;
}

}  // namespace lathe::server
