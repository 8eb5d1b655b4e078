#include "api/json_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

namespace lathe::api {
namespace {

using nlohmann::json;

// Watches the parser for what JSON allows and we do not.
class Strictness {
 public:
  explicit Strictness(int max_depth) : max_depth_(max_depth) {}

  // False drops the value; once there is an error nothing more is kept.
  bool operator()(int depth, json::parse_event_t event, json& parsed) {
    if (!error_.empty()) return false;
    switch (event) {
      case json::parse_event_t::object_start:
        keys_.emplace_back();
        [[fallthrough]];
      case json::parse_event_t::array_start:
        if (depth >= max_depth_) {
          error_ = fmt::format("the body is nested more than {} levels deep", max_depth_);
        }
        break;
      case json::parse_event_t::object_end:
        keys_.pop_back();
        break;
      case json::parse_event_t::key:
        if (!keys_.back().insert(parsed.get<std::string>()).second) {
          error_ = fmt::format("the key {} appears twice in one object", excerpt(parsed));
        }
        break;
      default:
        break;
    }
    return error_.empty();
  }

  const std::string& error() const { return error_; }

 private:
  int max_depth_;
  std::vector<std::set<std::string>> keys_;  // of the objects that are open
  std::string error_;
};

std::string place_of_byte(std::string_view text, std::size_t byte) {
  const std::string_view before = text.substr(0, byte > 0 ? byte - 1 : 0);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const std::size_t newline = before.rfind('\n');
  const std::size_t column =
      newline == std::string_view::npos ? before.size() + 1 : before.size() - newline;
  return fmt::format("line {}, column {}", line, column);
}

}  // namespace

Result<json> parse_json(std::string_view text, int max_depth) {
  if (text.empty()) return Error::bad_input("the body is empty").fix_with("send a JSON object");
  Strictness strictness(max_depth);
  try {
    json value = json::parse(text, std::ref(strictness));
    if (!strictness.error().empty()) return Error::bad_input(strictness.error());
    return value;
  } catch (const json::parse_error& error) {
    return Error::bad_input(
               fmt::format("the body is not valid JSON at {}", place_of_byte(text, error.byte)))
        .fix_with("check quotes, commas and brackets there, and that the text is UTF-8");
  } catch (const json::exception&) {
    return Error::bad_input("the body has a number that does not fit");
  }
}

std::string compact(const nlohmann::ordered_json& value) {
  return value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::string excerpt(const json& value, std::size_t max_bytes) {
  std::string text = value.dump(-1, ' ', true, json::error_handler_t::replace);
  if (text.size() > max_bytes) text = text.substr(0, max_bytes) + "...";
  return text;
}

}  // namespace lathe::api
