// A comparison as one HTML page that needs nothing else: chart (inline SVG) with intervals, table,
// settings, recommendation and example answers of each way. Light and dark by the reader's setting;
// prints well. Every text from outside is escaped. Pure function.
#pragma once

#include <string>
#include <string_view>

#include "evaluation/ways.h"

namespace lathe::evaluation {

// Text as HTML shows it: & < > " ' written as entities, control characters and bytes that are not
// UTF-8 as U+FFFD. For element content and quoted attributes.
std::string escape_html(std::string_view text);

std::string html_report(const Comparison& comparison);

}  // namespace lathe::evaluation
