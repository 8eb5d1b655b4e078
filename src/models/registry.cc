#include "models/registry.h"

#include <fmt/format.h>

#include "models/llama.h"

namespace lathe::models {
namespace {

constexpr Family kFamilies[] = {
    {"llama", llama_forward},
    {"mistral", llama_forward},
    {"qwen2", llama_forward},
    {"qwen3", llama_forward},
};

}  // namespace

Result<const Family*> find_family(std::string_view name) {
  std::string known;
  for (const Family& family : kFamilies) {
    if (family.name == name) return &family;
    known += (known.empty() ? "" : ", ") + std::string(family.name);
  }
  return Error::unsupported(fmt::format("models of the family '{}' cannot be run", name))
      .fix_with("use a model of one of these families: " + known);
}

}  // namespace lathe::models
