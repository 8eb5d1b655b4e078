// What sort, groupby and their like order by. Internal to the filters.
#pragma once

#include <cstddef>
#include <vector>

#include "text/jinja/value.h"

namespace lathe::text::jinja {

// A string in lower case unless case counts; anything else as it is.
Value fold_case(const Value& value, bool case_sensitive);

// The order in which stable sorting puts the keys. Errors: keys without an order, limit.
Result<std::vector<std::size_t>> sorted_order(Budget& budget, const std::vector<Value>& keys,
                                              bool reverse);

}  // namespace lathe::text::jinja
