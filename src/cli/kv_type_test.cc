// What --kv-type says is what the engine is told.
#include "cli/kv_type.h"

#include <gtest/gtest.h>

namespace lathe::cli {
namespace {

using kernels::KvType;

KvType parsed(const std::string& arguments) {
  CLI::App command;
  KvType type = KvType::f16;
  add_kv_type(command, type);
  command.parse(arguments);
  return type;
}

TEST(KvTypeOption, NamesEachType) {
  EXPECT_EQ(parsed(""), KvType::f16);
  EXPECT_EQ(parsed("--kv-type f16"), KvType::f16);
  EXPECT_EQ(parsed("--kv-type f32"), KvType::f32);
  EXPECT_EQ(parsed("--kv-type int8"), KvType::int8);
}

TEST(KvTypeOption, RefusesOthers) { EXPECT_THROW(parsed("--kv-type q4"), CLI::ValidationError); }

}  // namespace
}  // namespace lathe::cli
