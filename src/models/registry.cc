#include "models/registry.h"

#include <fmt/format.h>

#include "models/decoder_forward.h"

namespace lathe::models {
namespace {

constexpr Family kFamilies[] = {
    {"llama", sequential_forward},     {"mistral", sequential_forward},
    {"qwen2", sequential_forward},     {"qwen3", sequential_forward},
    {"qwen3_moe", sequential_forward}, {"mixtral", sequential_forward},
    {"gemma2", sandwich_forward},      {"gemma3_text", sandwich_forward},
    {"phi3", sequential_forward},      {"falcon", parallel_forward},
    {"gpt2", sequential_forward},      {"gpt_neox", parallel_forward},
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
