#include "text/normalizer.h"

#include <fmt/format.h>

#include "text/json_fields.h"
#include "text/pattern.h"
#include "text/unicode.h"

namespace lathe::text {
namespace {

constexpr int kMaxDepth = 8;

}  // namespace

Result<Normalizer::Step> Normalizer::replace_step(const Json& component) {
  LATHE_TRY(Regex regex, pattern_field(component));
  LATHE_TRY(std::string content, string_field(component, "content"));
  return Step([regex = std::move(regex), content = std::move(content)](std::string_view text) {
    std::string out;
    std::size_t done = 0;
    Regex::Matcher matcher(regex, text);
    while (const auto match = matcher.next()) {
      if (match->end == match->begin) continue;  // an empty match replaces nothing
      out.append(text.substr(done, match->begin - done)).append(content);
      done = match->end;
    }
    return out.append(text.substr(done));
  });
}

Result<Normalizer::Step> Normalizer::strip_step(const Json& component) {
  LATHE_TRY(const bool left, bool_field(component, "strip_left", true));
  LATHE_TRY(const bool right, bool_field(component, "strip_right", true));
  return Step([left, right](std::string_view text) {
    if (left) text.remove_prefix(leading_space(text));
    if (right) text.remove_suffix(trailing_space(text));
    return std::string(text);
  });
}

Status Normalizer::add_sequence(const Json& component, int depth) {
  LATHE_TRY(const Json* members, array_field(component, "normalizers"));
  for (std::size_t i = 0; i < members->size(); ++i)
    LATHE_CHECK(add((*members)[i], depth + 1).at(fmt::format("normalizers[{}]", i)));
  return {};
}

Status Normalizer::add(const Json& component, int depth) {
  if (depth > kMaxDepth) return Error::limit("normalizers nested too deeply");
  LATHE_TRY(const std::string type, component_type(component));
  if (type == "Sequence") return add_sequence(component, depth);
  const auto form = [&](NormalForm which) {
    steps_.push_back([which](std::string_view text) { return normalize(text, which); });
    return Status();
  };
  if (type == "NFC") return form(NormalForm::nfc);
  if (type == "NFD") return form(NormalForm::nfd);
  if (type == "NFKC") return form(NormalForm::nfkc);
  if (type == "NFKD") return form(NormalForm::nfkd);
  if (type == "Lowercase") {
    steps_.push_back([](std::string_view text) { return to_lower(text); });
  } else if (type == "Prepend") {
    LATHE_TRY(std::string prefix, string_field(component, "prepend"));
    steps_.push_back([prefix = std::move(prefix)](std::string_view text) {
      return text.empty() ? std::string() : prefix + std::string(text);
    });
  } else if (type == "Replace") {
    LATHE_TRY(Step step, replace_step(component));
    steps_.push_back(std::move(step));
  } else if (type == "Strip") {
    LATHE_TRY(Step step, strip_step(component));
    steps_.push_back(std::move(step));
  } else {
    return unknown_component("normalizer", type);
  }
  return {};
}

Result<Normalizer> Normalizer::from_json(const Json& component) {
  Normalizer normalizer;
  if (!component.is_null()) LATHE_CHECK(normalizer.add(component, 0).at("normalizer"));
  return normalizer;
}

std::string Normalizer::apply(std::string_view text) const {
  std::string out(text);
  for (const Step& step : steps_) out = step(out);
  return out;
}

}  // namespace lathe::text
