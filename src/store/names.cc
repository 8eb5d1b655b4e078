#include "store/names.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

namespace lathe::store {
namespace {

constexpr std::size_t kMaxPathLength = 400;
constexpr std::size_t kMaxSuggestions = 3;
constexpr std::size_t kMaxComparedLength = 2 * kMaxSegmentLength + 1;

// ASCII alone, whatever the locale.
bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string lower(std::string_view text) {
  std::string low(text);
  std::transform(low.begin(), low.end(), low.begin(), to_lower);
  return low;
}

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7f;
}

// What is wrong with a segment; empty when nothing is.
std::string segment_fault(std::string_view segment) {
  if (segment.empty()) return "it is empty";
  if (segment.size() > kMaxSegmentLength) {
    return fmt::format("it has {} characters; at most {} are allowed", segment.size(),
                       kMaxSegmentLength);
  }
  for (const char c : segment) {
    if (is_letter_or_digit(c) || c == '.' || c == '_' || c == '-') continue;
    if (is_control(c) || static_cast<unsigned char>(c) >= 0x80) {
      return fmt::format("it has the byte 0x{:02x}", static_cast<unsigned char>(c));
    }
    return fmt::format("it has the character '{}'", c);
  }
  if (!is_letter_or_digit(segment.front())) return "it does not begin with a letter or digit";
  if (segment.back() == '.' || segment.back() == '-') {
    return fmt::format("it ends with '{}'", segment.back());
  }
  if (segment.find("..") != std::string_view::npos) return "it has '..'";
  return {};
}

// A name as a message may show it: short and printable.
std::string printable(std::string_view name) {
  std::string shown(name.substr(0, kMaxComparedLength));
  std::replace_if(
      shown.begin(), shown.end(),
      [](char c) { return is_control(c) || static_cast<unsigned char>(c) >= 0x80; }, '?');
  return name.size() > kMaxComparedLength ? shown + "…" : shown;
}

Error bad_name(std::string_view what, std::string_view name, std::string_view fault) {
  return Error::bad_input(
             fmt::format("'{}' cannot be the name of a {}: {}", printable(name), what, fault))
      .fix_with("use letters, digits, '.', '_' and '-', beginning with a letter or digit");
}

// Edits (insert, delete, replace, swap of neighbours) between two names, letter case aside.
// Source: optimal string alignment, a restriction of Damerau (1964).
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::array<std::vector<std::size_t>, 3> rows;
  for (auto& row : rows) row.assign(b.size() + 1, 0);
  for (std::size_t j = 0; j <= b.size(); ++j) rows[1][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    const auto& before_last = rows[(i + 2) % 3];  // of i - 2 … in a ring of three
    const auto& last = rows[i % 3];
    auto& current = rows[(i + 1) % 3];
    current[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = to_lower(a[i - 1]) == to_lower(b[j - 1]);
      current[j] = std::min({last[j] + 1, current[j - 1] + 1, last[j - 1] + (same ? 0u : 1u)});
      const bool swapped = i > 1 && j > 1 && to_lower(a[i - 1]) == to_lower(b[j - 2]) &&
                           to_lower(a[i - 2]) == to_lower(b[j - 1]);
      if (swapped) current[j] = std::min(current[j], before_last[j - 2] + 1);
    }
  }
  return rows[(a.size() + 1) % 3][b.size()];
}

}  // namespace

Status check_model_name(std::string_view name) {
  const std::size_t slash = name.find('/');
  if (slash == std::string_view::npos) return check_name(name, "model");
  for (const std::string_view segment : {name.substr(0, slash), name.substr(slash + 1)}) {
    const std::string fault = segment_fault(segment);
    if (!fault.empty()) {
      return bad_name("model", name, fmt::format("in '{}', {}", printable(segment), fault));
    }
  }
  return {};
}

Status check_name(std::string_view name, std::string_view what) {
  const std::string fault = segment_fault(name);
  if (!fault.empty()) return bad_name(what, name, fault);
  return {};
}

Status check_relative_path(std::string_view path) {
  const auto bad = [&](std::string_view fault) {
    return Error::bad_input(
        fmt::format("'{}' is no path inside the home: {}", printable(path), fault));
  };
  if (path.empty()) return bad("it is empty");
  if (path.size() > kMaxPathLength) return bad("it is too long");
  if (std::any_of(path.begin(), path.end(), is_control)) return bad("it has a control character");
  std::string_view rest = path;
  while (true) {
    const std::size_t slash = rest.find('/');
    const std::string_view part = rest.substr(0, slash);
    if (part.empty()) return bad("it has an empty part");
    if (part == "." || part == "..") return bad("it has '.' or '..' as a part");
    if (slash == std::string_view::npos) return {};
    rest.remove_prefix(slash + 1);
  }
}

std::vector<std::string> near_names(std::string_view name, std::span<const std::string> known) {
  if (name.empty() || name.size() > kMaxComparedLength) return {};
  struct Candidate {
    std::size_t distance;
    const std::string* name;
  };
  std::vector<Candidate> candidates;
  const std::string wanted = lower(name);
  const std::size_t tolerance = name.size() <= 3 ? 1 : std::max<std::size_t>(2, name.size() / 3);
  for (const std::string& other : known) {
    if (other.size() > kMaxComparedLength) continue;
    const std::size_t distance = edit_distance(name, other);
    const std::string low = lower(other);
    const bool contains =
        std::min(wanted.size(), low.size()) >= 3 &&
        (low.find(wanted) != std::string::npos || wanted.find(low) != std::string::npos);
    if (distance <= tolerance || contains) candidates.push_back({distance, &other});
  }
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const auto& a, const auto& b) { return a.distance < b.distance; });
  if (candidates.size() > kMaxSuggestions) candidates.resize(kMaxSuggestions);
  std::vector<std::string> names;
  for (const Candidate& candidate : candidates) names.push_back(*candidate.name);
  return names;
}

Error unknown_name(std::string_view what, std::string_view name, std::span<const std::string> known,
                   std::string_view fallback_fix) {
  Error error = Error::not_found(fmt::format("no {} '{}'", what, printable(name)));
  const std::vector<std::string> near = near_names(name, known);
  if (near.empty()) return std::move(error).fix_with(std::string(fallback_fix));
  return std::move(error).fix_with(fmt::format("did you mean '{}'?", fmt::join(near, "' or '")));
}

}  // namespace lathe::store
