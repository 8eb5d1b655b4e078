// The names of models, adaptations, deployments and knowledge bases: what is allowed, in one place,
// and which known names come near a mistyped one. Names become file names, so the rule is narrow.
//
// A segment is 1 to 64 characters of a-z A-Z 0-9 . _ -, begins with a letter or digit, ends with a
// letter, digit or underscore, and has no "..". A model is `segment` or `segment/segment`, the
// others are one segment. Upper and lower case differ. Pure functions.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace lathe::store {

inline constexpr std::size_t kMaxSegmentLength = 64;

// `name` or `org/name`. Error: bad_input that says which rule is broken.
Status check_model_name(std::string_view name);

// One segment. what says which kind of name it is, for the message: "deployment".
Status check_name(std::string_view name, std::string_view what);

// A path inside the home: relative, no "..", no empty part, at most 400 bytes, no control
// characters.
Status check_relative_path(std::string_view path);

// At most three of the known names, nearest first, that a user who wrote name may have meant: few
// edits away (letter case counts little), or the one contains the other.
std::vector<std::string> near_names(std::string_view name, std::span<const std::string> known);

// not_found: "no model 'startr'; did you mean 'starter'?", or fallback_fix when none is near.
Error unknown_name(std::string_view what, std::string_view name, std::span<const std::string> known,
                   std::string_view fallback_fix);

}  // namespace lathe::store
