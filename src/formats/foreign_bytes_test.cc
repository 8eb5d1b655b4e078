// Shapes that attacks on model files have, at the level of whole folders; those of single files are
// in safetensors_test.cc, gguf_test.cc and json_test.cc.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "formats/hf_texts.h"
#include "formats/model_source.h"
#include "formats/test_support.h"

namespace lathe::formats {
namespace {

namespace fs = std::filesystem;

class ForeignFolder : public testing::Test {
 protected:
  void SetUp() override { use("llama"); }
  void use(const std::string& name) {
    fs::remove_all(folder_);
    fs::copy(golden(name), folder_, fs::copy_options::recursive);
  }
  void write(const char* file, std::string_view text) {
    ASSERT_TRUE(os::write_file_atomically(folder_ / file, text).ok());
  }
  std::string read(const char* file) { return os::read_file(folder_ / file).value(); }
  // Puts text in the place of a config's value.
  void set_config(const std::string& key, const std::string& value) {
    auto config = nlohmann::json::parse(os::read_file(golden("llama") / "config.json").value());
    config[key] = "PLACE";
    std::string text = config.dump();
    text.replace(text.find("\"PLACE\""), 7, value);
    write("config.json", text);
  }
  void refused(ErrorKind kind, std::string_view part) {
    const auto opened = ModelSource::open(folder_);
    expect_error(opened, kind, part);
    if (!opened.ok()) {
      EXPECT_NE(opened.error().message().find(scratch_.path().string()), std::string::npos);
    }
  }

  os::TemporaryDirectory scratch_ = os::TemporaryDirectory::make().value();
  os::Path folder_ = scratch_.path() / "model";
};

TEST_F(ForeignFolder, PicklesAreRefusedByNameWithTheWayOut) {
  fs::remove(folder_ / "model.safetensors");
  for (const char* name : {"pytorch_model.bin", "pytorch_model-00001-of-00002.bin", "model.pt",
                           "consolidated.00.pth", "model.ckpt", "weights.pkl", "MODEL.BIN"}) {
    write(name, "\x80\x04.");
    refused(ErrorKind::unsupported, name);
    refused(ErrorKind::unsupported, "safe_serialization=True");
    fs::remove(folder_ / name);
  }
  for (const char* name : {"x.bin", "x.pt", "x.pth", "x.ckpt", "x.pkl"}) {
    ASSERT_TRUE(os::write_file_atomically(scratch_.path() / name, "\x80\x04.").ok());
    expect_error(ModelSource::open(scratch_.path() / name), ErrorKind::unsupported, "pickle");
  }
}

TEST_F(ForeignFolder, APickleBesideSafetensorsIsNotLookedAt) {
  write("pytorch_model.bin", "\x80\x04.");
  EXPECT_TRUE(ModelSource::open(folder_).ok());
}

TEST_F(ForeignFolder, NumbersThatAreNone) {
  for (const char* value : {"NaN", "Infinity", "-Infinity", "1e999", "0x40"}) {
    set_config("rms_norm_eps", value);
    refused(ErrorKind::bad_input, "JSON");
  }
  for (const char* value : {"\"NaN\"", "[64]", "true", "1e300", "-64", "0", "64.5"}) {
    set_config("hidden_size", value);
    refused(ErrorKind::bad_input, "hidden_size");
  }
}

TEST_F(ForeignFolder, CountsThatAreHugeAreRefusedBeforeAnythingIsMade) {
  for (const char* key : {"num_hidden_layers", "vocab_size", "num_attention_heads",
                          "intermediate_size", "max_position_embeddings"}) {
    for (const char* value : {"9223372036854775807", "4611686018427387904", "1000000000000"}) {
      set_config(key, value);
      EXPECT_FALSE(ModelSource::open(folder_).ok()) << key << " " << value;
    }
  }
}

TEST_F(ForeignFolder, DeepAndDoubledJson) {
  write("config.json", std::string(200'000, '['));
  refused(ErrorKind::limit, "deeper");
  std::string twice = os::read_file(golden("llama") / "config.json").value();
  twice.insert(twice.find('{') + 1, "\"hidden_size\": 128,");
  write("config.json", twice);
  refused(ErrorKind::bad_input, "\"hidden_size\" stands twice");
}

TEST_F(ForeignFolder, TheDtypeOfTheConfigIsNotBelieved) {
  set_config("torch_dtype", "\"float16\"");
  const auto model = ModelSource::open(folder_);
  ASSERT_TRUE(model.ok()) << model.error().message();
  EXPECT_EQ(model->tensor("model.norm.weight")->dtype, tensor::DType::f32);
}

TEST_F(ForeignFolder, AnIndexNamesNoManyShardsAndNoTensorTwice) {
  use("llama-tied-bf16-sharded");
  const char* file = "model.safetensors.index.json";
  const std::string good = read(file);
  std::string twice = good;
  twice.insert(twice.find("\"weight_map\"") + 13,
               "{\"a\": \"x.safetensors\", \"a\": \"y.safetensors\"}, \"b\": ");
  write(file, twice);
  refused(ErrorKind::bad_input, "\"a\" stands twice");
  write(file, "{\"weight_map\": " + std::string(100'000, '[') + "}");
  refused(ErrorKind::limit, "deeper");
  auto many = nlohmann::json::parse(good);
  for (int i = 0; i < 3; ++i)
    many["weight_map"]["t" + std::to_string(i)] = std::to_string(i) + ".safetensors";
  write(file, many.dump());
  refused(ErrorKind::not_found, "0.safetensors");
}

// The same tensor in two shards: the index can place it in one only.
TEST_F(ForeignFolder, ATensorStandsInOneShard) {
  use("llama-tied-bf16-sharded");
  fs::copy(folder_ / "model-00001-of-00002.safetensors", folder_ / "again.safetensors");
  auto index = nlohmann::json::parse(read("model.safetensors.index.json"));
  for (auto& [tensor, shard] : index["weight_map"].items()) {
    if (shard != "model-00001-of-00002.safetensors") continue;
    shard = "again.safetensors";
    break;
  }
  write("model.safetensors.index.json", index.dump());
  refused(ErrorKind::bad_input, "does not place tensor");
}

// The Hub's cache: snapshots/REVISION/FILE are links to ../../blobs/HASH.
TEST_F(ForeignFolder, LinksOfTheHubsCacheAreFollowed) {
  const os::Path snapshot = scratch_.path() / "models--org--name/snapshots/0123";
  const os::Path blobs = scratch_.path() / "models--org--name/blobs";
  fs::create_directories(snapshot);
  write("README.md", "---\nlicense: mit\n---\n");
  fs::rename(folder_, blobs);
  for (const auto& entry : fs::directory_iterator(blobs)) {
    const os::Path name = entry.path().filename();
    fs::create_symlink(os::Path("../../blobs") / name, snapshot / name);
  }
  const auto model = ModelSource::open(snapshot);
  ASSERT_TRUE(model.ok()) << model.error().message();
  const auto readme = find_readme(snapshot);
  ASSERT_TRUE(readme.ok()) << readme.error().message();
  EXPECT_TRUE(readme->has_value());
}

// Weights and configs that a link leads to are checked like any others; a README could be anything.
TEST_F(ForeignFolder, AReadmeThatLeadsOutIsRefused) {
  const os::Path secret = scratch_.path() / "secret";
  ASSERT_TRUE(os::write_file_atomically(secret, "key").ok());
  for (const os::Path& target : {secret, os::Path("../secret"), os::Path("../model/../secret")}) {
    fs::remove(folder_ / "README.md");
    fs::create_symlink(target, folder_ / "README.md");
    expect_error(find_readme(folder_), ErrorKind::bad_input, "leads out of the folder");
  }
  fs::remove(folder_ / "README.md");
  fs::create_symlink("config.json", folder_ / "README.md");
  EXPECT_TRUE(find_readme(folder_).ok());
  fs::remove(folder_ / "README.md");
  EXPECT_EQ(find_readme(folder_).value(), std::nullopt);
}

TEST_F(ForeignFolder, LinksInACircleAndToNothingAreErrors) {
  fs::remove(folder_ / "config.json");
  fs::create_symlink("config.json", folder_ / "config.json");
  EXPECT_FALSE(ModelSource::open(folder_).ok());
  fs::remove(folder_ / "config.json");
  fs::create_symlink("nothing", folder_ / "config.json");
  EXPECT_FALSE(ModelSource::open(folder_).ok());
}

// Opening a pipe would wait for a writer; a device has no end.
TEST_F(ForeignFolder, WhatIsNoFileIsRefusedAtOnce) {
  fs::remove(folder_ / "model.safetensors");
  ASSERT_EQ(::mkfifo((folder_ / "model.safetensors").c_str(), 0600), 0);
  refused(ErrorKind::bad_input, "not a regular file");
  fs::remove(folder_ / "model.safetensors");
  fs::create_symlink("/dev/zero", folder_ / "model.safetensors");
  refused(ErrorKind::bad_input, "not a regular file");
  fs::remove(folder_ / "model.safetensors");
  fs::create_directory(folder_ / "model.safetensors");
  EXPECT_FALSE(ModelSource::open(folder_).ok());
}

}  // namespace
}  // namespace lathe::formats
