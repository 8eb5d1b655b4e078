#include "kernels/table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdlib>

#include "kernels/cpu/cpu.h"
#include "kernels/ref/ref.h"

namespace lathe::kernels {
namespace {

const Table& best() { return cpu::tables().empty() ? ref::table() : cpu::tables().back(); }

Result<const Table*> chosen() {
  const char* name = std::getenv("LATHE_CPU");
  if (name == nullptr || *name == '\0') return &best();
  return find(name).at("environment variable LATHE_CPU");
}

}  // namespace

std::vector<std::string> available() {
  std::vector<std::string> names = {ref::table().name};
  for (const Table& table : cpu::tables()) names.emplace_back(table.name);
  return names;
}

Result<const Table*> find(std::string_view name) {
  if (name == ref::table().name) return &ref::table();
  for (const Table& table : cpu::tables()) {
    if (name == table.name) return &table;
  }
  return Error::bad_input(fmt::format("this processor has no kernels named '{}'", name))
      .fix_with(fmt::format("use one of: {}", fmt::join(available(), ", ")));
}

const Table& active() {
  static const Table* const kActive = [] {
    auto table = chosen();
    return table.ok() ? *table : &best();
  }();
  return *kActive;
}

Status check_selection() {
  auto table = chosen();
  if (!table.ok()) return std::move(table).error();
  return {};
}

}  // namespace lathe::kernels
