#include "hub/target.h"

#include <gtest/gtest.h>

namespace lathe::hub {
namespace {

const Url kHub = parse_url("https://huggingface.co").value();
const Url kMirror = parse_url("https://mirror.org/hub").value();

RepositoryTarget repository(std::string_view text, const Url& endpoint = kHub) {
  const auto target = parse_target(text, endpoint);
  EXPECT_TRUE(target.ok()) << text << ": " << (target.ok() ? "" : target.error().message());
  return std::get<RepositoryTarget>(target.value());
}

TEST(TargetTest, ReadsNames) {
  EXPECT_EQ(repository("org/name"), (RepositoryTarget{kHub, "org/name", "main", ""}));
  EXPECT_EQ(repository("gpt2"), (RepositoryTarget{kHub, "gpt2", "main", ""}));
  EXPECT_EQ(repository("org/name@v1.0"), (RepositoryTarget{kHub, "org/name", "v1.0", ""}));
  EXPECT_EQ(repository("org/name@refs/pr/1:Q4_K_M"),
            (RepositoryTarget{kHub, "org/name", "refs/pr/1", "Q4_K_M"}));
  EXPECT_EQ(repository("org/name:sub/a.gguf").choice, "sub/a.gguf");
}

TEST(TargetTest, ReadsUrls) {
  EXPECT_EQ(repository("https://huggingface.co/org/name/").repository, "org/name");
  EXPECT_EQ(repository("https://huggingface.co/org/name/tree/v2").revision, "v2");
  const auto file =
      repository("https://huggingface.co/org/name/resolve/main/a%20b.gguf?download=1");
  EXPECT_EQ(file.choice, "a b.gguf");
  EXPECT_EQ(repository("https://mirror.org/hub/org/name", kMirror).endpoint, kMirror);
  EXPECT_EQ(origin(repository("https://huggingface.co/org/name", kMirror).endpoint),
            "https://huggingface.co");
  const auto target = parse_target("https://example.org/models/a.gguf?x", kHub).value();
  EXPECT_EQ(std::get<FileTarget>(target).name, "a.gguf");
}

TEST(TargetTest, RefusesOthers) {
  for (const char* text :
       {"", "org/name/more", "../name", "org/..", "org/na me", "org/name@", "org/name@a..b",
        "org/name:", "org/name:../a.gguf", "org/name:/a.gguf", "@main", "org/name@/x",
        "https://example.org/a.bin", "https://example.org/", "http//a/b",
        "https://huggingface.co/org", "https://huggingface.co/org/name/discussions",
        "https://huggingface.co/org/name/tree/main/sub", "https://example.org/%2e%2e%5c.gguf"})
    EXPECT_FALSE(parse_target(text, kHub).ok()) << text;
}

TEST(TargetTest, NamesThem) {
  const auto name = [](std::string_view text) {
    return default_name(parse_target(text, kHub).value());
  };
  EXPECT_EQ(name("org/name@v1"), "org/name");
  EXPECT_EQ(name("org/name:model-Q4_K_M.gguf"), "org/model-Q4_K_M");
  EXPECT_EQ(name("https://example.org/x/model.gguf"), "model");
}

TEST(TargetTest, ChecksPaths) {
  for (const char* good :
       {"config.json", "1_Pooling/config.json", "a b.txt", "..a", "a/b/c/d/e/f/g/h"})
    EXPECT_TRUE(check_repository_path(good).ok()) << good;
  for (const std::string& bad :
       {std::string(), std::string("/etc/passwd"), std::string("../a"), std::string("a/../b"),
        std::string("a//b"), std::string("a/"), std::string("./a"), std::string("a\\b"),
        std::string("a\nb"), std::string("a\0b", 3), std::string("\xff"),
        std::string("a/b/c/d/e/f/g/h/i"), std::string(513, 'a')})
    EXPECT_FALSE(check_repository_path(bad).ok()) << bad;
}

}  // namespace
}  // namespace lathe::hub
