#include "cli/kv_type.h"

namespace lathe::cli {

void add_kv_type(CLI::App& command, kernels::KvType& type) {
  using kernels::KvType;
  const auto set = [&type](const std::string& name) {
    type = name == "f32" ? KvType::f32 : name == "int8" ? KvType::int8 : KvType::f16;
  };
  command
      .add_option_function<std::string>(
          "--kv-type", set,
          "how keys and values are kept: f16, f32, or int8 in half of f16's memory")
      ->check(CLI::IsMember({"f16", "f32", "int8"}))
      ->default_str("f16");
}

}  // namespace lathe::cli
