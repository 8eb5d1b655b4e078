// Letter case of ASCII text, whatever the locale says.
#pragma once

#include <string>
#include <string_view>

namespace lathe {

inline std::string in_lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

}  // namespace lathe
