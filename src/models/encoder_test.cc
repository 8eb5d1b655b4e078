// Encoders against transformers' states (testdata/encoders, testdata/goldens/bert), from folders
// and from GGUF; texts in company; gradients of the whole pass.
#include "models/encoder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <random>
#include <set>

#include "formats/safetensors.h"
#include "models/pooling.h"
#include "os/thread_pool.h"

namespace lathe::models {
namespace {

const os::Path kSource = LATHE_SOURCE_DIR;
constexpr float kTolerance = 1e-4f;

struct Loaded {
  formats::EncoderSource source;
  std::unique_ptr<Encoder> encoder;
};

Loaded load(const os::Path& path) {
  SerialParallel serial;
  auto source = formats::EncoderSource::open(path);
  EXPECT_TRUE(source.ok()) << source.error().message();
  auto encoder = Encoder::load(*source, serial);
  EXPECT_TRUE(encoder.ok()) << encoder.error().message();
  return {std::move(source).value(), std::move(encoder).value()};
}

using Tokens = std::vector<std::int32_t>;

// The states of texts in one batch, one after the other.
std::vector<float> states_of(const Encoder& encoder, const std::vector<Tokens>& texts,
                             Parallel& parallel) {
  EncoderBatch batch;
  for (const Tokens& text : texts) {
    EXPECT_TRUE(encoder.check(text).ok());
    encoder.add(batch, text);
  }
  tensor::Arena arena;
  ops::Run run(kernels::active(), parallel, arena);
  const ops::Value states = encoder.forward(run, batch);
  return {states.data, states.data + states.size()};
}

std::vector<float> states_of(const Encoder& encoder, const std::vector<Tokens>& texts) {
  SerialParallel serial;
  return states_of(encoder, texts, serial);
}

Tokens tokens_in(const tensor::TensorView& view) {
  std::vector<std::int64_t> ids(view.bytes.size() / sizeof(std::int64_t));
  std::memcpy(ids.data(), view.bytes.data(), view.bytes.size());
  return {ids.begin(), ids.end()};
}

void expect_golden(const Encoder& encoder, const os::Path& golden, int cases) {
  const auto file = formats::SafetensorsFile::open(golden);
  ASSERT_TRUE(file.ok()) << file.error().message();
  for (int k = 0; k < cases; ++k) {
    const Tokens ids = tokens_in(*file->find("ids_" + std::to_string(k)));
    const auto want = tensor::to_f32(*file->find("hidden_" + std::to_string(k))).value();
    const auto got = states_of(encoder, {ids});
    ASSERT_EQ(got.size(), want.size());
    float worst = 0;
    for (std::size_t i = 0; i < got.size(); ++i)
      worst = std::max(worst, std::abs(got[i] - want[i]));
    EXPECT_LT(worst, kTolerance) << golden << " case " << k;
  }
}

std::vector<os::Path> encoder_folders() {
  std::vector<os::Path> found;
  for (const auto& entry : std::filesystem::directory_iterator(kSource / "testdata/encoders"))
    found.push_back(entry.path());
  return found;
}

std::string name_of_folder(const testing::TestParamInfo<os::Path>& info) {
  std::string name = info.param.filename().string();
  std::ranges::replace(name, '-', '_');
  return name;
}

class EncoderFolder : public testing::TestWithParam<os::Path> {};

TEST_P(EncoderFolder, StatesAreTransformers) {
  expect_golden(*load(GetParam()).encoder, GetParam() / "golden.safetensors", 4);
}

TEST_P(EncoderFolder, StatesFromGgufAreTransformers) {
  if (!std::filesystem::exists(GetParam() / "model.gguf")) GTEST_SKIP() << "there is no model.gguf";
  const Loaded gguf = load(GetParam() / "model.gguf");
  const Loaded folder = load(GetParam());
  EXPECT_EQ(formats::max_tokens(gguf.encoder->config()),
            formats::max_tokens(folder.encoder->config()));
  const auto golden = formats::SafetensorsFile::open(GetParam() / "golden.safetensors");
  Tokens ids = tokens_in(*golden->find("ids_3"));
  // RoBERTa's padding inside a text has a position of its own, which GGUF's table leaves out.
  if (const auto pad = folder.encoder->config().counted_pad_id)
    std::erase(ids, static_cast<std::int32_t>(*pad));
  // The same weights in f32, the same sums: the same bits.
  EXPECT_EQ(states_of(*gguf.encoder, {ids}), states_of(*folder.encoder, {ids}));
}

INSTANTIATE_TEST_SUITE_P(All, EncoderFolder, testing::ValuesIn(encoder_folders()), name_of_folder);

TEST(Encoder, StatesAreTheGoldens) {
  const os::Path golden = kSource / "testdata/goldens/bert";
  expect_golden(*load(golden).encoder, golden / "golden.safetensors", 3);
}

TEST(Encoder, ATextsBitsDoNotDependOnItsCompany) {
  const Loaded bert = load(kSource / "testdata/goldens/bert");
  std::mt19937 random(std::random_device{}());
  const auto seed = random();
  SCOPED_TRACE("seed " + std::to_string(seed));
  random.seed(seed);
  std::vector<Tokens> texts;
  for (const std::size_t length : {3u, 1u, 40u, 17u, 64u, 2u, 33u}) {
    Tokens text(length);
    for (auto& token : text) token = static_cast<std::int32_t>(random() % 320);
    texts.push_back(std::move(text));
  }
  os::ThreadPool pool(2);
  const auto together = states_of(*bert.encoder, texts, pool);
  std::size_t at = 0;
  for (const Tokens& text : texts) {
    const auto alone = states_of(*bert.encoder, {text});
    EXPECT_TRUE(std::equal(alone.begin(), alone.end(), together.begin() + static_cast<long>(at)));
    at += alone.size();
  }
  EXPECT_EQ(at, together.size());
}

TEST(Encoder, WrongTextsAreRefused) {
  const Loaded bert = load(kSource / "testdata/goldens/bert");
  const Status empty = bert.encoder->check(Tokens{});
  ASSERT_FALSE(empty.ok());
  const Status unknown = bert.encoder->check(Tokens{1, 320});
  ASSERT_FALSE(unknown.ok());
  EXPECT_NE(unknown.error().message().find("320"), std::string::npos);
  const Status longer = bert.encoder->check(Tokens(65, 1));
  ASSERT_FALSE(longer.ok());
  EXPECT_EQ(longer.error().kind, ErrorKind::limit);
  EXPECT_NE(longer.error().message().find("65 tokens"), std::string::npos);
  EXPECT_NE(longer.error().message().find("64"), std::string::npos);
}

// RoBERTa's table has as many rows as max_position_embeddings, but texts start behind the pad id.
TEST(Encoder, RobertasTextsAreShorterThanItsTable) {
  const Loaded roberta = load(kSource / "testdata/encoders/roberta");
  EXPECT_EQ(formats::max_tokens(roberta.encoder->config()), 38);
  EXPECT_TRUE(roberta.encoder->check(Tokens(38, 5)).ok());
  EXPECT_FALSE(roberta.encoder->check(Tokens(39, 5)).ok());
}

TEST(Pooling, TakesWhatItsNameSays) {
  std::vector<float> data = {9, 9, 1, -2, 3, 4, 5, -6, 9, 9};  // rows 1 to 3 are the text
  const ops::Value states = {data.data(), 5, 2};
  const ops::SequenceRows text = {1, 4};
  EXPECT_EQ(pool(formats::Pooling::cls, states, text), (std::vector<float>{1, -2}));
  EXPECT_EQ(pool(formats::Pooling::last, states, text), (std::vector<float>{5, -6}));
  EXPECT_EQ(pool(formats::Pooling::max, states, text), (std::vector<float>{5, 4}));
  EXPECT_EQ(pool(formats::Pooling::mean, states, text),
            (std::vector<float>{3, static_cast<float>(-4.0 / 3)}));
}

TEST(Pooling, NormalisedVectorsHaveLengthOne) {
  std::vector<float> v = {3, -4};
  normalise(v);
  EXPECT_EQ(v, (std::vector<float>{0.6f, -0.8f}));
  std::vector<float> zero = {0, 0};
  normalise(zero);
  EXPECT_EQ(zero, (std::vector<float>{0, 0}));
}

// Every place that adding an encoder family touches: its file in formats/encoders with the line in
// encoder_family.cc (or it would not be listed here), a model of it with an oracle's states, and
// the table of docs/models.md.
TEST(EncoderFamilies, AreWholeEverywhere) {
  std::set<std::string> with_oracle;
  for (const os::Path& folder : encoder_folders()) {
    const auto config = os::read_file(folder / "config.json");
    with_oracle.insert(nlohmann::json::parse(*config)["model_type"].get<std::string>());
  }
  const std::string table = os::read_file(kSource / "docs/models.md").value();
  for (const std::string& name : formats::encoder_family_names()) {
    EXPECT_TRUE(with_oracle.contains(name)) << name << " has no model in testdata/encoders";
    EXPECT_NE(table.find("`" + name + "`"), std::string::npos)
        << name << " is not in docs/models.md";
  }
}

}  // namespace
}  // namespace lathe::models
