#include "formats/front_matter.h"

#include <fmt/format.h>
#include <yaml.h>

#include <algorithm>

#include "formats/foreign_text.h"

namespace lathe::formats {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxTexts = 1000;
constexpr int kMaxDepth = 32;

// The YAML between the two lines; empty when there is none.
std::string_view block_of(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  const std::size_t start = text.starts_with("---\r\n") ? 5 : 4;
  if (!text.starts_with("---\n") && start == 4) return {};
  const std::size_t end = text.find("\n---", start - 1);
  return end == std::string_view::npos ? std::string_view() : text.substr(start, end + 1 - start);
}

struct Parser {
  explicit Parser(std::string_view yaml) {
    ready = yaml_parser_initialize(&state) == 1;
    if (ready)
      yaml_parser_set_input_string(&state, reinterpret_cast<const unsigned char*>(yaml.data()),
                                   yaml.size());
  }
  ~Parser() {
    if (ready) yaml_parser_delete(&state);
  }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  yaml_parser_t state;
  bool ready = false;
};

// One step of the parser; the library owns what it allocated until the object goes.
struct Event {
  Event() = default;
  ~Event() { yaml_event_delete(&value); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  std::string text() const {
    return {reinterpret_cast<const char*>(value.data.scalar.value), value.data.scalar.length};
  }
  yaml_event_t value = {};
};

// Follows the events and keeps the texts of the top level: by key, one or a list.
class EventWalk {
 public:
  explicit EventWalk(FrontMatter& out) : out_(out) {}

  void finish() {
    if (out_.license == "other" && !license_name_.empty()) out_.license = license_name_;
  }

  Status take(const Event& event) {
    switch (event.value.type) {
      case YAML_MAPPING_START_EVENT:
      case YAML_SEQUENCE_START_EVENT:
        list_ = depth_ == 1 && event.value.type == YAML_SEQUENCE_START_EVENT;
        if (++depth_ > kMaxDepth) return Error::limit("the front matter is nested too deep");
        return {};
      case YAML_MAPPING_END_EVENT:
      case YAML_SEQUENCE_END_EVENT:
        if (--depth_ == 1) key_.clear();
        list_ = false;
        return {};
      case YAML_SCALAR_EVENT:
        return scalar(event.text());
      case YAML_ALIAS_EVENT:
        if (depth_ == 1) key_.clear();
        return {};
      default:
        return {};
    }
  }

 private:
  Status scalar(std::string text) {
    if (depth_ == 1 && key_.empty()) {
      key_ = std::move(text);
      return {};
    }
    if (depth_ == 1 || (depth_ == 2 && list_)) LATHE_CHECK(keep(std::move(text)));
    if (depth_ == 1) key_.clear();
    return {};
  }

  Status keep(std::string text) {
    if (text.empty() || text == "null" || text == "~") return {};
    if (std::string* one = text_of(key_)) {
      *one = std::move(text);
    } else if (std::vector<std::string>* list = list_of(key_)) {
      if (list->size() == kMaxTexts)
        return Error::limit(fmt::format("{} has more than {} entries", in_quotes(key_), kMaxTexts));
      list->push_back(std::move(text));
    }
    return {};
  }

  std::string* text_of(std::string_view key) {
    if (key == "license") return &out_.license;
    if (key == "license_name") return &license_name_;
    if (key == "license_link") return &out_.license_link;
    if (key == "pipeline_tag") return &out_.pipeline;
    return nullptr;
  }

  std::vector<std::string>* list_of(std::string_view key) {
    if (key == "language") return &out_.languages;
    if (key == "tags") return &out_.tags;
    if (key == "base_model") return &out_.base_models;
    return nullptr;
  }

  FrontMatter& out_;
  std::string license_name_;  // what an "other" licence is called
  std::string key_;
  int depth_ = 0;
  bool list_ = false;  // inside a list of the top level
};

}  // namespace

Result<FrontMatter> read_front_matter(std::string_view readme) {
  FrontMatter found;
  const std::string_view yaml = block_of(readme);
  if (yaml.size() > kMaxBytes) return Error::limit("the front matter is larger than 1 MiB");
  if (yaml.empty()) return found;
  Parser parser(yaml);
  if (!parser.ready) return Error::internal("the YAML parser did not start");
  EventWalk walk(found);
  while (true) {
    Event event;
    if (yaml_parser_parse(&parser.state, &event.value) != 1) {
      const char* problem = parser.state.problem;
      return Error::bad_input(fmt::format("the front matter is no YAML: line {}: {}",
                                          parser.state.problem_mark.line + 2,
                                          problem != nullptr ? problem : "damaged"));
    }
    if (event.value.type == YAML_STREAM_END_EVENT) break;
    LATHE_CHECK(walk.take(event));
  }
  walk.finish();
  return found;
}

}  // namespace lathe::formats
