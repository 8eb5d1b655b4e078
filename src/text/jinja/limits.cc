#include "text/jinja/limits.h"

#include <limits>

namespace lathe::text::jinja {

Status Budget::can_make_bytes(std::uint64_t bytes, std::uint64_t times) const {
  if (bytes != 0 && times > std::numeric_limits<std::uint64_t>::max() / bytes) return too_much();
  return can_make_bytes(bytes * times);
}

Status Budget::enter() {
  if (depth_ <= 0)
    return Error::limit("the template nests too deeply")
        .fix_with("look for a macro that calls itself without end");
  --depth_;
  return {};
}

Error Budget::too_much() {
  return Error::limit("the template does more work than one render may take")
      .fix_with("look for a loop or a string that grows without end");
}

}  // namespace lathe::text::jinja
