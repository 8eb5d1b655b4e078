// Models of the store and their packed weights: there after an import, the same bits with and
// without, and made again when they are missing, torn, of other files or changed.
#include "host/packed_weights.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "host/testing/tiny_home.h"
#include "models/packed_model.h"
#include "ops/pack.h"
#include "text/packed_tokenizer.h"

namespace lathe::host {
namespace {

class PackedWeightsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    log::set_level(log::Level::off);
    import_as("eight", tensor::DType::q8_0);
  }
  void TearDown() override { log::set_level(log::Level::info); }

  // What follows is about this model.
  void import_as(const std::string& name, tensor::DType type) {
    ConversionOptions conversion;
    conversion.type = type;
    conversion.certify = false;
    conversion.packing = [&](std::uint64_t done, std::uint64_t all) {
      EXPECT_LE(done, all);
      packed_bytes_ = done;
    };
    const auto record = import_model(
        store_, home_.source(), name, serial_, [](std::uint64_t, std::uint64_t) {}, conversion);
    ASSERT_TRUE(record.ok()) << record.error().message();
    what_ = resolve(store_, name).value();
    packed_ = models::packed_path(what_.model_path);
  }
  std::string answer(const std::shared_ptr<tasks::LoadedModel>& model) {
    engine::GenerationRequest request;
    request.prompt = model->tokenizer().encode("a text of some words").value();
    request.max_tokens = 12;
    return model->engine().generate(std::move(request)).value().text;
  }
  std::shared_ptr<tasks::LoadedModel> load() {
    auto model = load_model(what_, serial_);
    EXPECT_TRUE(model.ok()) << model.error().message();
    return model.value();
  }
  // Loads and expects packed weights that can be used afterwards.
  void expect_loads_packed(const std::string& why) {
    const std::string got = answer(load());
    EXPECT_EQ(got, expected_) << why;
    EXPECT_TRUE(models::open_packed(what_.model_path).ok()) << why;
    EXPECT_TRUE(verify_packed(what_.model_path, serial_).ok()) << why;
  }
  // Without packed weights: what the others are compared with.
  std::string answer_unpacked() {
    std::filesystem::rename(packed_, packed_.string() + "-away");
    const std::string got = answer(tasks::LoadedModel::load(what_.model_path, serial_).value());
    std::filesystem::rename(packed_.string() + "-away", packed_);
    return got;
  }
  void write_packed_bytes(const std::string& bytes) {
    ASSERT_TRUE(os::write_file_atomically(packed_, bytes).ok());
  }
  std::size_t files() const {
    const auto all = std::filesystem::directory_iterator(packed_.parent_path());
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
  }

  testing::TinyHome home_;
  LocalStore store_ = home_.open();
  SerialParallel serial_;
  Resolved what_;
  os::Path packed_;
  std::uint64_t packed_bytes_ = 0;
  std::string expected_;
};

TEST_F(PackedWeightsTest, AnImportLeavesThemAndTheyHoldEveryMatrixOfWholeBlocks) {
  const formats::PackedFile file = models::open_packed(what_.model_path).value();
  const auto source = formats::ModelSource::open(what_.model_path).value();
  std::size_t packable = 0;
  for (const std::string& name : source.tensor_names()) {
    const bool is_packable = ops::is_packable(source.tensor(name).value());
    packable += is_packable;
    EXPECT_EQ(file.find(name) != nullptr, is_packable) << name;
  }
  EXPECT_GT(packable, 3u);
  EXPECT_EQ(file.matrices().size(), packable);
  EXPECT_GT(packed_bytes_, 0u);
}

TEST_F(PackedWeightsTest, AnswersAreTheSameAndTheBytesAreTheFiles) {
  expected_ = answer_unpacked();
  ASSERT_FALSE(expected_.empty());
  const auto model = load();
  EXPECT_EQ(answer(model), expected_);
  // Mapped, not copied: the panels lie on pages, as in the file, and have its bytes.
  const formats::PackedFile file = models::open_packed(what_.model_path).value();
  const ops::MatrixWeight& q = model->decoder().weights().layers[0].q.weight;
  const formats::PackedMatrix* stored = file.find("model.layers.0.self_attn.q_proj.weight");
  ASSERT_NE(stored, nullptr);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(q.packed.data) % formats::kPackedAlignment, 0u);
  EXPECT_EQ(std::memcmp(q.packed.data, stored->bytes.data(), stored->bytes.size()), 0);
}

TEST_F(PackedWeightsTest, FloatsAreInThemAsTheyAre) {
  for (const tensor::DType type : {tensor::DType::f32, tensor::DType::f16, tensor::DType::bf16}) {
    import_as(std::string(tensor::to_string(type)), type);
    expected_ = answer_unpacked();
    ASSERT_FALSE(expected_.empty());
    const auto model = load();
    EXPECT_EQ(answer(model), expected_) << tensor::to_string(type);
    const models::DecoderWeights& weights = model->decoder().weights();
    const kernels::PackedPanels& q = weights.layers[0].q.weight.packed;
    EXPECT_EQ(q.format, ops::packed_format(type));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(q.data) % formats::kPackedAlignment, 0u);
    EXPECT_EQ(weights.embedding.f32, nullptr);
    expect_loads_packed(std::string(tensor::to_string(type)));
  }
}

TEST_F(PackedWeightsTest, WhatCannotBeUsedIsPackedAgain) {
  expected_ = answer_unpacked();
  const std::string whole = os::read_file(packed_).value();
  std::filesystem::remove(packed_);
  expect_loads_packed("missing");
  write_packed_bytes(whole.substr(0, whole.size() / 2));
  expect_loads_packed("torn");
  write_packed_bytes("something else of more than sixteen bytes");
  expect_loads_packed("foreign");
  std::string changed = whole;
  changed[8] = 1;
  write_packed_bytes(changed);
  expect_loads_packed("of another version");
  changed = whole;
  changed[formats::kPackedAlignment + 3] ^= 4;
  write_packed_bytes(changed);
  expect_loads_packed("with a flipped bit");
  const std::int64_t now = os::file_stamp(what_.model_path).value().modified;
  ASSERT_TRUE(os::set_modification_time(what_.model_path, now + 1).ok());
  EXPECT_EQ(models::open_packed(what_.model_path).error().kind, ErrorKind::bad_input);
  expect_loads_packed("of other files");
}

TEST_F(PackedWeightsTest, ACopyIsVerifiedAndSealedAgain) {
  expected_ = answer_unpacked();
  const std::string whole = os::read_file(packed_).value();
  write_packed_bytes(whole);  // with another time
  EXPECT_EQ(models::open_packed(what_.model_path).error().kind, ErrorKind::unavailable);
  expect_loads_packed("copied");
  EXPECT_EQ(os::read_file(packed_).value(), whole);
}

TEST_F(PackedWeightsTest, TheTokenizerIsPackedTooAndPackedAgain) {
  expected_ = answer_unpacked();
  const os::Path path = text::packed_tokenizer_path(what_.model_path);
  ASSERT_TRUE(text::check_packed_tokenizer(what_.model_path).ok());
  const std::string whole = os::read_file(path).value();
  const auto expect_packed_again = [&](const std::string& bytes, const char* why) {
    ASSERT_TRUE(os::write_file_atomically(path, bytes).ok());
    EXPECT_EQ(answer(load()), expected_) << why;
    EXPECT_TRUE(text::check_packed_tokenizer(what_.model_path).ok()) << why;
    EXPECT_TRUE(verify_packed(what_.model_path, serial_).ok()) << why;
  };
  std::filesystem::remove(path);
  EXPECT_EQ(answer(load()), expected_);
  EXPECT_EQ(os::read_file(path).value().size(), whole.size());
  expect_packed_again(whole, "copied");
  expect_packed_again(whole.substr(0, whole.size() / 2), "torn");
  std::string changed = whole;
  changed[formats::kPackedAlignment] ^= 4;
  expect_packed_again(changed, "with a flipped bit");
  ASSERT_TRUE(os::write_file_atomically(path, changed).ok());
  EXPECT_FALSE(verify_packed(what_.model_path, serial_).ok());
}

TEST_F(PackedWeightsTest, WithoutTheStoreNothingIsWrittenAndAStaleFileIsNotUsed) {
  expected_ = answer_unpacked();
  write_packed_bytes("something else of more than sixteen bytes");
  EXPECT_EQ(answer(tasks::LoadedModel::load(what_.model_path, serial_).value()), expected_);
  EXPECT_EQ(os::read_file(packed_).value(), "something else of more than sixteen bytes");
  Resolved source = what_;
  source.model_path = home_.source();
  source.in_store = false;
  ASSERT_TRUE(load_model(source, serial_).ok());
  EXPECT_FALSE(os::exists(models::packed_path(home_.source())));
}

TEST_F(PackedWeightsTest, KilledWhilePackingLeavesAModelThatLoads) {
  expected_ = answer_unpacked();
  std::filesystem::remove(packed_);
  const std::size_t before = files();
  const pid_t child = ::fork();
  if (child == 0) {
    (void)pack_weights(what_.model_path, serial_,
                       [](std::uint64_t, std::uint64_t) { ::raise(SIGKILL); });
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_FALSE(os::exists(packed_));
  EXPECT_EQ(files(), before + 1);  // the half
  expect_loads_packed("killed");
  EXPECT_EQ(files(), before + 2);  // the packed file and the lock
}

TEST_F(PackedWeightsTest, VerifyingReadsTheModelAndItsPackedWeights) {
  EXPECT_TRUE(verify_model(store_, "eight", serial_).value());
  const std::string packed = os::read_file(packed_).value();
  std::string changed = packed;
  changed[formats::kPackedAlignment + 3] ^= 4;
  write_packed_bytes(changed);
  const auto damaged = verify_model(store_, "eight", serial_);
  EXPECT_NE(damaged.error().message().find("the next start packs it again"), std::string::npos);
  std::filesystem::remove(packed_);
  EXPECT_FALSE(verify_model(store_, "eight", serial_).value());
  std::string model = os::read_file(what_.model_path).value();
  model[model.size() - 40] ^= 1;  // of the last tensor
  ASSERT_TRUE(os::write_file_atomically(what_.model_path, model).ok());
  EXPECT_EQ(verify_model(store_, "eight", serial_).error().kind, ErrorKind::bad_input);
  EXPECT_EQ(verify_model(store_, "absent", serial_).error().kind, ErrorKind::not_found);
}

TEST_F(PackedWeightsTest, AMatrixOfAnotherShapeIsAnError) {
  const formats::PackedFile file = models::open_packed(what_.model_path).value();
  formats::PackedMatrix matrix = file.matrices()[0];
  EXPECT_TRUE(models::panels_of(matrix).ok());
  matrix.rows += 16;
  EXPECT_EQ(models::panels_of(matrix).error().kind, ErrorKind::bad_input);
  matrix = file.matrices()[0];
  matrix.columns += 16;
  EXPECT_EQ(models::panels_of(matrix).error().kind, ErrorKind::bad_input);
  matrix = file.matrices()[0];
  matrix.layout.bits = 7;
  EXPECT_EQ(models::panels_of(matrix).error().kind, ErrorKind::bad_input);
}

TEST_F(PackedWeightsTest, TheSizeOfAModelIsThatOfItsOwnFiles) {
  EXPECT_EQ(store_.catalogue.model("eight").value().size_bytes,
            static_cast<std::int64_t>(std::filesystem::file_size(what_.model_path)));
}

}  // namespace
}  // namespace lathe::host
