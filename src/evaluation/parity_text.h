// The fixed text that certificates are measured on: about a thousand tokens of prose, talk,
// numbers, a table, code, and some sentences in five languages, written for this purpose. It is
// part of the program, so that a certificate means the same everywhere; its hash stands in each.
#pragma once

#include <string_view>

namespace lathe::evaluation {

std::string_view parity_text();

}  // namespace lathe::evaluation
