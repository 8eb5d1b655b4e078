#include "base/result.h"

#include <cstdio>

namespace lathe {

const char* to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::bad_input:
      return "bad_input";
    case ErrorKind::not_found:
      return "not_found";
    case ErrorKind::already_exists:
      return "already_exists";
    case ErrorKind::io:
      return "io";
    case ErrorKind::unsupported:
      return "unsupported";
    case ErrorKind::limit:
      return "limit";
    case ErrorKind::unavailable:
      return "unavailable";
    case ErrorKind::cancelled:
      return "cancelled";
    case ErrorKind::internal:
      return "internal";
  }
  return "internal";
}

Error Error::at(std::string place) && {
  where = where.empty() ? std::move(place) : std::move(place) + ": " + where;
  return std::move(*this);
}

Error Error::fix_with(std::string remedy) && {
  if (fix.empty()) fix = std::move(remedy);
  return std::move(*this);
}

std::string Error::message() const {
  std::string text = where.empty() ? what : where + ": " + what;
  if (!fix.empty()) text += "; " + fix;
  return text;
}

void assertion_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: a bug in Lathe: %s does not hold\n", file, line, expression);
  std::abort();
}

}  // namespace lathe
