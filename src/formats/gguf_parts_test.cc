#include "formats/gguf_parts.h"

#include <gtest/gtest.h>

#include "formats/model_source.h"
#include "formats/test_support.h"

namespace lathe::formats {
namespace {

const os::Path kFolder = os::Path(LATHE_SOURCE_DIR) / "testdata/gguf";

TEST(GgufParts, AreOneModel) {
  const auto model = ModelSource::open(kFolder / gguf_part_name("llama-parts", 0, 3));
  ASSERT_TRUE(model.ok()) << model.error().message();
  for (const std::string& name : model->tensor_names())
    EXPECT_TRUE(model->tensor(name).ok()) << name;
  const auto parts = GgufParts::open(kFolder / gguf_part_name("llama-parts", 0, 3));
  ASSERT_TRUE(parts.ok()) << parts.error().message();
  EXPECT_EQ(parts->files().size(), 3u);
  EXPECT_EQ(parts->first().find("blk.1.ffn_down.weight"), nullptr);
  EXPECT_NE(parts->find("blk.1.ffn_down.weight"), nullptr);
  EXPECT_EQ(parts->find("blk.2.ffn_down.weight"), nullptr);
}

TEST(GgufParts, NamesSayWhichTheyAre) {
  EXPECT_EQ(gguf_part_name("a", 1, 12), "a-00002-of-00012.gguf");
  EXPECT_TRUE(is_later_gguf_part("a-00002-of-00012.gguf"));
  EXPECT_FALSE(is_later_gguf_part("a-00001-of-00012.gguf"));
  EXPECT_FALSE(is_later_gguf_part("a-0002-of-0012.gguf"));
  EXPECT_FALSE(is_later_gguf_part("a.gguf"));
}

// Three small parts with a tensor each, of which one thing is damaged.
class DamagedParts : public testing::Test {
 protected:
  struct Part {
    std::int64_t number = 0;
    std::int64_t count = 3;
    std::string tensor;
  };
  os::Path path(std::size_t index) const { return scratch_.path() / gguf_part_name("m", index, 3); }
  void write(std::size_t index, const Part& part, std::int32_t tensors = 3) {
    GgufMetadata metadata;
    metadata.set("general.architecture", std::string("llama"));
    metadata.set("split.no", static_cast<std::uint16_t>(part.number));
    metadata.set("split.count", static_cast<std::uint16_t>(part.count));
    metadata.set("split.tensors.count", tensors);
    const std::vector<tensor::NamedTensor> all = {
        {part.tensor, tensor::view_of(values_, tensor::Shape{4})}};
    ASSERT_TRUE(write_gguf(path(index), metadata, all).ok());
  }
  void SetUp() override {
    write(0, {.number = 0, .tensor = "a"});
    write(1, {.number = 1, .tensor = "b"});
    write(2, {.number = 2, .tensor = "c"});
  }
  void refused(std::string_view part, ErrorKind kind = ErrorKind::bad_input,
               std::size_t from = 0) const {
    expect_error(GgufParts::open(path(from)), kind, part);
  }

  os::TemporaryDirectory scratch_ = os::TemporaryDirectory::make().value();
  std::vector<float> values_ = {1, 2, 3, 4};
};

TEST_F(DamagedParts, UndamagedOnesAreRead) {
  const auto parts = GgufParts::open(path(0));
  ASSERT_TRUE(parts.ok()) << parts.error().message();
  EXPECT_EQ(tensor::to_f32(parts->tensor("c").value()).value(), values_);
  expect_error(parts->tensor("d"), ErrorKind::not_found, "\"d\"");
}

TEST_F(DamagedParts, ALaterPartNamesTheFirst) {
  refused("m-00001-of-00003.gguf", ErrorKind::bad_input, 1);
}

TEST_F(DamagedParts, AMissingPartIsNamed) {
  std::filesystem::remove(path(2));
  refused("m-00003-of-00003.gguf", ErrorKind::not_found);
}

TEST_F(DamagedParts, NumbersAndNamesMustAgree) {
  write(1, {.number = 2, .tensor = "b"});
  refused("calls itself part 3 of 3");
  write(1, {.number = 1, .count = 4, .tensor = "b"});
  refused("calls itself part 2 of 4");
  write(0, {.number = 0, .count = 4, .tensor = "a"});
  refused("must end in -00001-of-00004.gguf");
  write(0, {.number = 5, .tensor = "a"});
  refused("split.no is 5");
}

TEST_F(DamagedParts, EachTensorIsInOnePart) {
  write(2, {.number = 2, .tensor = "a"});
  refused("two parts have a tensor \"a\"");
}

TEST_F(DamagedParts, TensorsAreCounted) {
  write(0, {.number = 0, .tensor = "a"}, 4);
  refused("the parts have 3 tensors, split.tensors.count is 4");
}

}  // namespace
}  // namespace lathe::formats
