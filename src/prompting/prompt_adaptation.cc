#include "prompting/prompt_adaptation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <set>

#include "text/utf8.h"

namespace lathe::prompting {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kFormat = "lathe-prompt";
constexpr int kVersion = 1;

// An object with an unknown or doubled field is refused: a field that is not read would be ignored.
Status check_fields(const Json& object, std::initializer_list<std::string_view> known) {
  if (!object.is_object()) return Error::bad_input("this is no JSON object");
  for (const auto& [name, value] : object.items()) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      return Error::bad_input(fmt::format("the field '{}' is not known", name.substr(0, 64)));
    }
  }
  return {};
}

Result<std::string> string_field(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) return std::string();
  if (!found->is_string()) return Error::bad_input("must be a string").at(name);
  return found->get<std::string>();
}

Result<std::size_t> count_field(const Json& object, const char* name, std::size_t otherwise) {
  const auto found = object.find(name);
  if (found == object.end()) return otherwise;
  if (!found->is_number_unsigned()) return Error::bad_input("must be a whole number").at(name);
  return static_cast<std::size_t>(found->get<std::uint64_t>());
}

Result<bool> bool_field(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) return false;
  if (!found->is_boolean()) return Error::bad_input("must be true or false").at(name);
  return found->get<bool>();
}

Result<std::vector<Example>> examples_field(const Json& object) {
  std::vector<Example> examples;
  const auto found = object.find("examples");
  if (found == object.end()) return examples;
  if (!found->is_array()) return Error::bad_input("must be an array").at("examples");
  for (std::size_t i = 0; i < found->size(); ++i) {
    const Json& item = (*found)[i];
    const std::string place = fmt::format("examples[{}]", i);
    LATHE_CHECK(check_fields(item, {"input", "output"}).at(place));
    Example example;
    LATHE_TRY(example.input, string_field(item, "input").at(place));
    LATHE_TRY(example.output, string_field(item, "output").at(place));
    examples.push_back(std::move(example));
  }
  return examples;
}

Result<ExampleSelection> selection_field(const Json& object) {
  LATHE_TRY(const std::string text, string_field(object, "selection"));
  if (text.empty() || text == "fixed") return ExampleSelection::fixed;
  if (text == "similar") return ExampleSelection::similar;
  return Error::bad_input("must be \"fixed\" or \"similar\"").at("selection");
}

Status check_format(const Json& object) {
  LATHE_TRY(const std::string format, string_field(object, "format"));
  if (format != kFormat) {
    return Error::bad_input(fmt::format("must be \"{}\"", kFormat))
        .at("format")
        .fix_with("give a file that `lathe prompt create` wrote");
  }
  LATHE_TRY(const std::size_t version, count_field(object, "version", 0));
  if (version == kVersion) return {};
  return Error::unsupported(
             fmt::format("version {} cannot be read; this build reads {}", version, kVersion))
      .at("version");
}

// The JSON value of a text. A name that an object has twice is an error: one of the two would be
// ignored.
Result<Json> parse_json(std::string_view text) {
  std::vector<std::set<std::string>> open;  // the names of each open object
  std::string doubled;
  const auto watch = [&](int, Json::parse_event_t event, Json& value) {
    if (event == Json::parse_event_t::object_start) open.emplace_back();
    if (event == Json::parse_event_t::object_end) open.pop_back();
    if (event == Json::parse_event_t::key && !open.back().insert(value.get<std::string>()).second) {
      doubled = value.get<std::string>();
    }
    return true;
  };
  try {
    Json value = Json::parse(text, watch);
    if (doubled.empty()) return value;
    return Error::bad_input(fmt::format("the field '{}' comes twice", doubled.substr(0, 64)));
  } catch (const Json::parse_error& error) {
    return Error::bad_input(fmt::format("this is no JSON: damage at byte {}", error.byte));
  }
}

Result<PromptAdaptation> read_fields(const Json& object) {
  LATHE_CHECK(check_fields(object, {"format", "version", "system", "template", "examples",
                                    "selection", "shots", "diverse", "passages"}));
  LATHE_CHECK(check_format(object));
  PromptAdaptation adaptation;
  LATHE_TRY(adaptation.system, string_field(object, "system"));
  LATHE_TRY(adaptation.input_template, string_field(object, "template"));
  LATHE_TRY(adaptation.examples, examples_field(object));
  LATHE_TRY(adaptation.selection, selection_field(object));
  LATHE_TRY(adaptation.shots,
            count_field(object, "shots", std::min(adaptation.examples.size(), kMaxShots)));
  LATHE_TRY(adaptation.diverse_outputs, bool_field(object, "diverse"));
  LATHE_TRY(adaptation.passages, count_field(object, "passages", 0));
  return adaptation;
}

Status check_utf8(std::string_view text, const std::string& place) {
  if (text::is_valid_utf8(text)) return {};
  return Error::bad_input("this is not UTF-8").at(place);
}

Status check_examples(const std::vector<Example>& examples) {
  if (examples.size() > kMaxExamples) {
    return Error::bad_input(
               fmt::format("{} are given; at most {} are allowed", examples.size(), kMaxExamples))
        .at("examples");
  }
  for (std::size_t i = 0; i < examples.size(); ++i) {
    const std::string place = fmt::format("examples[{}]", i);
    LATHE_CHECK(check_utf8(examples[i].input, place + ".input"));
    LATHE_CHECK(check_utf8(examples[i].output, place + ".output"));
    if (examples[i].input.empty()) return Error::bad_input("is empty").at(place + ".input");
    if (examples[i].output.empty()) return Error::bad_input("is empty").at(place + ".output");
  }
  return {};
}

Status check_counts(const PromptAdaptation& adaptation) {
  const std::size_t most = std::min(adaptation.examples.size(), kMaxShots);
  if (adaptation.shots > most) {
    return Error::bad_input(fmt::format("{} shots of {} examples cannot be shown", adaptation.shots,
                                        adaptation.examples.size()))
        .at("shots")
        .fix_with(fmt::format("give 0 to {}", most));
  }
  if (adaptation.passages > kMaxPassages) {
    return Error::bad_input(fmt::format("{} are asked for", adaptation.passages))
        .at("passages")
        .fix_with(fmt::format("give 0 to {}", kMaxPassages));
  }
  if (adaptation.diverse_outputs && adaptation.selection != ExampleSelection::similar) {
    return Error::bad_input("goes only with \"selection\": \"similar\"").at("diverse");
  }
  return {};
}

}  // namespace

Status check_prompt_adaptation(const PromptAdaptation& adaptation) {
  LATHE_CHECK(check_utf8(adaptation.system, "system"));
  LATHE_CHECK(check_utf8(adaptation.input_template, "template"));
  if (!adaptation.input_template.empty()) {
    LATHE_CHECK(check_input_template(adaptation.input_template).at("template"));
  }
  LATHE_CHECK(check_examples(adaptation.examples));
  LATHE_CHECK(check_counts(adaptation));
  const bool is_empty = adaptation.system.empty() && adaptation.input_template.empty() &&
                        adaptation.shots == 0 && adaptation.passages == 0;
  if (!is_empty) return {};
  return Error::bad_input("the prompt changes nothing")
      .fix_with("give a system text, a template, examples or passages");
}

Result<PromptAdaptation> parse_prompt_adaptation(std::string_view json) {
  LATHE_TRY(const Json object, parse_json(json));
  LATHE_TRY(PromptAdaptation adaptation, read_fields(object));
  LATHE_CHECK(check_prompt_adaptation(adaptation));
  return adaptation;
}

std::string to_json(const PromptAdaptation& adaptation) {
  nlohmann::ordered_json object = {{"format", kFormat}, {"version", kVersion}};
  if (!adaptation.system.empty()) object["system"] = adaptation.system;
  if (!adaptation.input_template.empty()) object["template"] = adaptation.input_template;
  if (!adaptation.examples.empty()) {
    auto& examples = object["examples"] = nlohmann::ordered_json::array();
    for (const Example& example : adaptation.examples) {
      examples.push_back({{"input", example.input}, {"output", example.output}});
    }
    const bool similar = adaptation.selection == ExampleSelection::similar;
    object["selection"] = similar ? "similar" : "fixed";
    object["shots"] = adaptation.shots;
    if (adaptation.diverse_outputs) object["diverse"] = true;
  }
  if (adaptation.passages > 0) object["passages"] = adaptation.passages;
  // Valid UTF-8 is required, so nothing is ever replaced; this only keeps dump() from throwing.
  return object.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

Result<PromptAdaptation> read_prompt_adaptation(const os::Path& file) {
  LATHE_TRY(const std::string text, os::read_file(file, kMaxPromptFileBytes));
  return parse_prompt_adaptation(text).at(file.string());
}

Status write_prompt_adaptation(const os::Path& file, const PromptAdaptation& adaptation) {
  LATHE_CHECK(check_prompt_adaptation(adaptation).at(file.string()));
  const std::string text = to_json(adaptation);
  if (text.size() > kMaxPromptFileBytes) {
    return Error::limit(fmt::format("the prompt has {} bytes; at most {} are kept", text.size(),
                                    kMaxPromptFileBytes))
        .at(file.string())
        .fix_with("give fewer examples");
  }
  return os::write_file_atomically(file, text);
}

Result<PromptApplier> PromptApplier::build(PromptAdaptation adaptation) {
  LATHE_CHECK(check_prompt_adaptation(adaptation));
  std::optional<ExampleSelector> selector;
  if (adaptation.selection == ExampleSelection::similar && adaptation.shots > 0) {
    LATHE_TRY(selector, ExampleSelector::build(adaptation.examples));
  }
  return PromptApplier(std::move(adaptation), std::move(selector));
}

Result<PromptParts> PromptApplier::parts(std::vector<text::Message> conversation,
                                         std::vector<Passage> passages) const {
  if (conversation.empty()) return Error::bad_input("the conversation is empty");
  PromptParts parts;
  parts.system = adaptation_.system;
  parts.input_template = adaptation_.input_template;
  const auto shots = static_cast<std::ptrdiff_t>(adaptation_.shots);
  if (selector_) {
    const SelectionOptions options{adaptation_.shots, adaptation_.diverse_outputs};
    LATHE_TRY(auto chosen, selector_->select(conversation.back().content, options));
    std::reverse(chosen.begin(), chosen.end());  // the likest stands next to the question
    for (const std::size_t i : chosen) parts.examples.push_back(adaptation_.examples[i]);
  } else {
    parts.examples.assign(adaptation_.examples.begin(), adaptation_.examples.begin() + shots);
  }
  parts.conversation = std::move(conversation);
  parts.passages = std::move(passages);
  return parts;
}

}  // namespace lathe::prompting
