// Strings that the filters `safe` and `escape` have marked as HTML (markupsafe's Markup). Chat
// templates are rendered without autoescaping, so the mark shows in one way only, but it does show:
// what is added to a marked string is escaped, as in `"a: "|safe + "<b>"`.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "text/jinja/value.h"

namespace lathe::text::jinja {

// & < > ' " as entities.
std::string escape_html(std::string_view text);

// The value's text as it joins a marked string: as it is if it is marked itself, else escaped.
Result<std::string> to_markup(Budget& budget, const Value& value);

// The string, marked if `like` is a marked string.
Value marked_like(const Value& like, std::string text);

// What a method of a marked string returns: its strings marked, also inside a list or tuple.
Value mark_strings(Value result);

}  // namespace lathe::text::jinja
