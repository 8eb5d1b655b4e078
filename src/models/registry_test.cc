// Every place that adding a decoder family touches: its file in formats/families with the line in
// family.cc (or it would not be listed here), the line in registry.cc, a model of it with the
// logits of an oracle, random configurations for tools/check_families.py, and the table of
// docs/models.md.
#include "models/registry.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "os/file.h"

namespace lathe::models {
namespace {

const os::Path kSourceTree = LATHE_SOURCE_DIR;

// model_type of every folder with an oracle's logits.
std::set<std::string> families_with_oracles() {
  std::set<std::string> found;
  for (const char* folder : {"testdata/goldens", "testdata/families"}) {
    for (const auto& entry : std::filesystem::directory_iterator(kSourceTree / folder)) {
      const auto config = os::read_file(entry.path() / "config.json");
      if (config.ok() && std::filesystem::exists(entry.path() / "golden.safetensors"))
        found.insert(nlohmann::json::parse(*config)["model_type"].get<std::string>());
    }
  }
  return found;
}

TEST(Families, AreWholeEverywhere) {
  const auto names = formats::decoder_family_names();
  ASSERT_FALSE(names.empty());
  const auto oracles = families_with_oracles();
  const std::string cases = os::read_file(kSourceTree / "tools/family_cases.py").value();
  const std::string table = os::read_file(kSourceTree / "docs/models.md").value();
  for (const std::string& name : names) {
    EXPECT_TRUE(find_family(name).ok()) << name << " has no line in models/registry.cc";
    EXPECT_TRUE(oracles.contains(name)) << name << " has no model in testdata";
    EXPECT_NE(cases.find("def draw_" + name + "("), std::string::npos)
        << name << " is not in tools/family_cases.py";
    EXPECT_NE(table.find("`" + name + "`"), std::string::npos)
        << name << " is not in docs/models.md";
  }
}

TEST(Families, AnUnknownOneNamesTheKnown) {
  const auto unknown = find_family("mamba");
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.error().kind, ErrorKind::unsupported);
  EXPECT_NE(unknown.error().message().find("qwen3"), std::string::npos);
}

}  // namespace
}  // namespace lathe::models
