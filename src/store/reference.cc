#include "store/reference.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "store/names.h"

namespace lathe::store {
namespace {

constexpr std::size_t kMaxReferenceLength = 2048;

Result<std::int64_t> parse_version(std::string_view digits) {
  std::int64_t version = 0;
  const char* end = digits.data() + digits.size();
  const auto [rest, code] = std::from_chars(digits.data(), end, version);
  if (code != std::errc() || rest != end || version < 1) {
    return Error::bad_input("after '@' comes no version number from 1")
        .fix_with("write it as deployment@2");
  }
  return version;
}

Status add_adaptation(Reference& reference, std::string_view name) {
  LATHE_CHECK(check_name(name, "adaptation"));
  if (reference.adaptations.size() == kMaxAdaptations) {
    return Error::bad_input(fmt::format("more than {} adaptations", kMaxAdaptations));
  }
  const auto& known = reference.adaptations;
  if (std::find(known.begin(), known.end(), name) != known.end()) {
    return Error::bad_input(fmt::format("the adaptation '{}' is named twice", name))
        .fix_with("name it once");
  }
  reference.adaptations.emplace_back(name);
  return {};
}

Result<Reference> parse_parts(std::string_view text) {
  Reference reference;
  const std::size_t sign = text.find_first_of("+@");
  reference.name = text.substr(0, sign);
  LATHE_CHECK(check_model_name(reference.name));
  if (sign == std::string_view::npos) return reference;
  if (text[sign] == '@') {
    if (text.find('+', sign) != std::string_view::npos) {
      return Error::bad_input("a version has its adaptations already; none can be added")
          .fix_with("name the model: model+adaptation");
    }
    LATHE_TRY(reference.version, parse_version(text.substr(sign + 1)));
    return reference;
  }
  std::string_view rest = text.substr(sign);
  while (!rest.empty()) {  // begins with '+'
    rest.remove_prefix(1);
    const std::size_t next = rest.find('+');
    LATHE_CHECK(add_adaptation(reference, rest.substr(0, next)));
    rest = next == std::string_view::npos ? std::string_view() : rest.substr(next);
  }
  return reference;
}

}  // namespace

Result<Reference> parse_reference(std::string_view text) {
  if (text.empty()) {
    return Error::bad_input("the reference is empty")
        .fix_with("name a model, model+adaptation, deployment or deployment@version");
  }
  if (text.size() > kMaxReferenceLength) {
    return Error::bad_input(fmt::format("the reference has {} bytes; at most {} are allowed",
                                        text.size(), kMaxReferenceLength));
  }
  return parse_parts(text);
}

std::string to_string(const Reference& reference) {
  std::string text = reference.name;
  for (const std::string& adaptation : reference.adaptations) text += '+' + adaptation;
  if (reference.version) text += fmt::format("@{}", *reference.version);
  return text;
}

}  // namespace lathe::store
