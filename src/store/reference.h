// References: how a user names what answers.
//
//   model                          starter, org/starter
//   model+adaptation+adaptation    starter+helpdesk-lora+handbook     (applied in this order)
//   deployment                     helpdesk                           (its version in charge)
//   deployment@version             helpdesk@2
//
// Parsing looks at the text alone; Catalogue::resolve() says whether the name is a model or a
// deployment. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace lathe::store {

inline constexpr std::size_t kMaxAdaptations = 16;

struct Reference {
  std::string name;                      // of a model or a deployment
  std::vector<std::string> adaptations;  // empty when version is given
  std::optional<std::int64_t> version;   // from 1
  bool operator==(const Reference&) const = default;
};

// Errors: bad_input (a name that is not allowed, an adaptation named twice, more than
// kMaxAdaptations, a version that is no number from 1, a version together with adaptations).
Result<Reference> parse_reference(std::string_view text);

// The text that parses to the reference.
std::string to_string(const Reference& reference);

}  // namespace lathe::store
