#include "hub/repository.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "hub/selection.h"

namespace lathe::hub {
namespace {

const std::string kCommit(40, 'c');
const std::string kSha256(64, 'a');
const std::string kSha1(40, 'b');
const RepositoryTarget kTarget{parse_url("https://hub.org/base").value(), "org/name", "main", ""};

std::string file(const std::string& name, int size = 1) {
  return fmt::format(R"({{"rfilename":"{}","size":{},"blobId":"{}"}})", name, size, kSha1);
}
std::string large(const std::string& name, int size = 9) {
  return fmt::format(R"({{"rfilename":"{}","size":{},"lfs":{{"sha256":"{}","size":{}}}}})", name,
                     size, kSha256, size);
}
std::string listing(const std::vector<std::string>& files) {
  return fmt::format(R"({{"id":"org/name","sha":"{}","tags":["a","license:mit"],"siblings":[{}]}})",
                     kCommit, fmt::join(files, ","));
}
Result<Repository> read(const std::vector<std::string>& files) {
  return parse_repository(listing(files), kTarget);
}

TEST(RepositoryTest, ReadsAListing) {
  const Repository found = read({file("config.json", 12), large("model.safetensors")}).value();
  EXPECT_EQ(found.commit, kCommit);
  EXPECT_EQ(found.licence, "mit");
  ASSERT_EQ(found.files.size(), 2u);
  EXPECT_EQ(found.files[0].git_sha1, kSha1);
  EXPECT_EQ(found.files[0].size, 12u);
  EXPECT_EQ(found.files[1].sha256, kSha256);
  EXPECT_EQ(to_string(found.files[0].url),
            "https://hub.org/base/org/name/resolve/" + kCommit + "/config.json");
}

TEST(RepositoryTest, RefusesWhatCannotBe) {
  for (const char* path : {"../x", "/etc/passwd", "a/../../b", "a\\\\b", "a\\u0000b", "a\\nb"})
    EXPECT_FALSE(read({file(path)}).ok()) << path;
  EXPECT_FALSE(read({file("a"), file("a")}).ok());
  EXPECT_FALSE(read({file("a", -1)}).ok());
  EXPECT_FALSE(read({R"({"rfilename":"a"})"}).ok());
  EXPECT_FALSE(read({R"({"rfilename":"a","size":1,"blobId":"zz"})"}).ok());
  EXPECT_FALSE(read({R"({"rfilename":"a","size":2,"lfs":{"sha256":"short","size":2}})"}).ok());
  EXPECT_FALSE(read({fmt::format(R"({{"rfilename":"a","size":2,"lfs":{{"sha256":"{}","size":3}}}})",
                                 kSha256)})
                   .ok());
  for (const char* text : {"", "[]", "{}", R"({"sha":"x","siblings":[]})", R"({"siblings":[]})"})
    EXPECT_FALSE(parse_repository(text, kTarget).ok()) << text;
}

std::string paths(const std::vector<RemoteFile>& files) {
  std::string text;
  for (const RemoteFile& each : files) text += each.path + " ";
  return text;
}

TEST(SelectionTest, TakesWhatAModelIs) {
  const Repository found =
      read({file("config.json"), file("tokenizer.json"), file("README.md"), file(".gitattributes"),
            large("model.safetensors"), large("pytorch_model.bin"), large("onnx/model.onnx"),
            large("model-Q4_K_M.gguf")})
          .value();
  const Selection folder = select_files(found, "").value();
  EXPECT_EQ(paths(folder.texts), "config.json tokenizer.json README.md ");
  EXPECT_EQ(paths(folder.weights), "model.safetensors ");
  EXPECT_EQ(folder.bytes(), 12u);
  const Selection gguf = select_files(found, "q4_k_m").value();
  EXPECT_EQ(paths(gguf.weights), "model-Q4_K_M.gguf ");
}

TEST(SelectionTest, TakesTheShardsOfTheIndex) {
  const Repository found =
      read({file("config.json"), file(kWeightsIndex), large("model-00001-of-00002.safetensors"),
            large("model-00002-of-00002.safetensors"), large("consolidated.safetensors")})
          .value();
  Selection selection = select_files(found, "").value();
  EXPECT_TRUE(selection.has_index && selection.weights.empty());
  const std::string index = R"({"weight_map":{"a":"model-00002-of-00002.safetensors",
      "b":"model-00001-of-00002.safetensors","c":"model-00001-of-00002.safetensors"}})";
  ASSERT_TRUE(select_shards(found, index, selection).ok());
  EXPECT_EQ(paths(selection.weights),
            "model-00001-of-00002.safetensors model-00002-of-00002.safetensors ");
  EXPECT_FALSE(select_shards(found, R"({"weight_map":{"a":"../x.safetensors"}})", selection).ok());
  EXPECT_FALSE(select_shards(found, R"({"weight_map":{}})", selection).ok());
}

TEST(SelectionTest, ChoosesAmongGgufFiles) {
  const Repository found =
      read({large("m-Q4_K_M.gguf"), large("m-Q4_K_S.gguf"), large("m-Q8_0.gguf"),
            large("m-f16-00001-of-00002.gguf"), large("m-f16-00002-of-00002.gguf"),
            large("m-bf16-00001-of-00002.gguf")})
          .value();
  EXPECT_EQ(select_files(found, "Q8_0").value().weights[0].path, "m-Q8_0.gguf");
  EXPECT_EQ(select_files(found, "q4_k_s").value().weights[0].path, "m-Q4_K_S.gguf");
  EXPECT_EQ(select_files(found, "m-Q8_0.gguf").value().weights[0].path, "m-Q8_0.gguf");
  EXPECT_EQ(paths(select_files(found, "f16").value().weights),
            "m-f16-00001-of-00002.gguf m-f16-00002-of-00002.gguf ");
  for (const char* choice : {"", "Q4_K", "Q2_K", "bf16"}) {
    const auto chosen = select_files(found, choice);
    EXPECT_FALSE(chosen.ok()) << choice;
  }
  EXPECT_NE(select_files(found, "").error().message().find("m-Q8_0.gguf"), std::string::npos);
}

TEST(SelectionTest, SaysWhyNot) {
  const auto why = [](const std::vector<std::string>& files) {
    const auto selection = select_files(read(files).value(), "");
    return selection.ok() ? std::string() : selection.error().message();
  };
  EXPECT_NE(why({file("config.json"), large("pytorch_model.bin")}).find("pickle"),
            std::string::npos);
  EXPECT_NE(why({large("model.safetensors")}).find("config.json"), std::string::npos);
  EXPECT_NE(why({file("README.md")}).find("no safetensors"), std::string::npos);
}

}  // namespace
}  // namespace lathe::hub
