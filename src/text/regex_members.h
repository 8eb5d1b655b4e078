// What \p{…} of a regular expression has in Oniguruma 6.9.10 (Unicode 16) beside the members that
// PCRE2 10.42 (Unicode 14) knows, and which names are scripts. Internal to src/text.
#pragma once

#include <string_view>

namespace lathe::text {

// For the inside of a class; empty for a property without any.
std::string_view newer_members_of_property(std::string_view name);

// Characters of \w that PCRE2's \p{L}\p{M}\p{Nd}\p{Nl}\p{Pc} lack.
extern const std::string_view kNewerWordMembers;

// PCRE2 takes a script's bare name for its extensions too, Oniguruma does not.
bool is_script_name(std::string_view name);

}  // namespace lathe::text
