#include "store/records.h"

#include <fmt/format.h>

#include <array>

namespace lathe::store {

const char* to_string(AdaptationKind kind) {
  switch (kind) {
    case AdaptationKind::prompt:
      return "prompt";
    case AdaptationKind::knowledge:
      return "knowledge";
    case AdaptationKind::soft_prompt:
      return "soft-prompt";
    case AdaptationKind::head:
      return "head";
    case AdaptationKind::lora:
      return "lora";
  }
  return "prompt";
}

Result<AdaptationKind> parse_adaptation_kind(std::string_view text) {
  constexpr std::array kinds = {AdaptationKind::prompt, AdaptationKind::knowledge,
                                AdaptationKind::soft_prompt, AdaptationKind::head,
                                AdaptationKind::lora};
  for (const AdaptationKind kind : kinds) {
    if (text == to_string(kind)) return kind;
  }
  return Error::bad_input(fmt::format("'{}' is no kind of adaptation", text.substr(0, 64)))
      .fix_with("it is prompt, knowledge, soft-prompt, head or lora");
}

bool is_bound_to_model(AdaptationKind kind) {
  return kind != AdaptationKind::prompt && kind != AdaptationKind::knowledge;
}

const char* to_string(RevisionKind kind) {
  switch (kind) {
    case RevisionKind::deploy:
      return "deploy";
    case RevisionKind::rollback:
      return "rollback";
    case RevisionKind::scale:
      return "scale";
  }
  return "deploy";
}

}  // namespace lathe::store
