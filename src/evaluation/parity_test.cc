#include "evaluation/parity.h"

#include <gtest/gtest.h>

#include <cmath>

#include "evaluation/parity_text.h"
#include "evaluation/test_model.h"
#include "formats/converted_model.h"
#include "text/model_text.h"

namespace lathe::evaluation {
namespace {

using formats::ConversionPlan;
using formats::ConvertedModel;
using formats::ModelSource;
using tensor::DType;

class Parity : public ::testing::Test {
 protected:
  void SetUp() override { testing::write_tiny_model(folder_.path() / "model", 128); }

  ModelSource source() { return ModelSource::open(folder_.path() / "model").value(); }
  ConvertedModel converted(const ModelSource& from, std::optional<DType> type) {
    return ConvertedModel::make(from, {ConversionPlan::Target::gguf, type, folder_.path()}, serial_,
                                [](std::size_t, std::size_t) {})
        .value();
  }
  Result<Certificate> measure(const ModelSource& from, const ModelSource& to) {
    return measure_parity(from, to, text::load_tokenizer(from).value(), serial_,
                          {folder_.path(), [this](const std::string&) { ++steps_; }});
  }

  os::TemporaryDirectory folder_ = os::TemporaryDirectory::make().value();
  SerialParallel serial_;
  int steps_ = 0;
};

TEST_F(Parity, AModelAgreesWithItself) {
  const ModelSource model = source();
  const Certificate c = measure(model, model).value();
  EXPECT_EQ(c.max_logit_difference, 0);
  EXPECT_EQ(c.mean_kl, 0);
  EXPECT_EQ(c.same_top_token, 1);
  EXPECT_EQ(c.perplexity_before, c.perplexity_after);
  EXPECT_GT(c.perplexity_before, 1);
  EXPECT_EQ(c.from, "f32");
  EXPECT_EQ(c.piece, 128);
  // A vocabulary of bytes: a token each.
  EXPECT_EQ(c.tokens, static_cast<std::int64_t>(parity_text().size()));
  EXPECT_EQ(c.unknown_tokens, 0);
  EXPECT_EQ(steps_, 2 * static_cast<int>((parity_text().size() + 127) / 128));
}

TEST_F(Parity, FewerBitsAgreeLess) {
  const ModelSource model = source();
  const auto q8 = converted(model, DType::q8_0), q4 = converted(model, DType::q4_0);
  const Certificate fine = measure(model, q8.model()).value();
  const Certificate coarse = measure(model, q4.model()).value();
  EXPECT_EQ(fine.to, "q8_0");
  EXPECT_GT(fine.mean_kl, 0);
  EXPECT_LT(fine.mean_kl, 0.01);
  EXPECT_GT(coarse.mean_kl, 10 * fine.mean_kl);
  EXPECT_GT(coarse.max_logit_difference, fine.max_logit_difference);
  EXPECT_GE(fine.max_kl, fine.mean_kl);
  EXPECT_LT(coarse.same_top_token, fine.same_top_token);
  EXPECT_GT(fine.same_top_token, 0.9);
  EXPECT_EQ(fine.perplexity_before, coarse.perplexity_before);
  EXPECT_NE(fine.perplexity_after, coarse.perplexity_after);
}

// The sums against the definitions, computed the plain way from the logits of whole pieces.
TEST_F(Parity, NumbersAreThoseOfTheDefinitions) {
  const ModelSource model = source();
  const auto q4 = converted(model, DType::q4_0);
  const Certificate c = measure(model, q4.model()).value();
  const auto tokens = text::load_tokenizer(model)->encode(parity_text()).value();
  const auto a = models::Decoder::load(model, serial_, 128).value();
  const auto b = models::Decoder::load(q4.model(), serial_, 128).value();
  double kl = 0, nll = 0, positions = 0, predicted = 0, largest = 0;
  for (std::size_t first = 0; first < tokens.size(); first += 128) {
    const auto piece =
        std::span(tokens).subspan(first, std::min<std::size_t>(128, tokens.size() - first));
    models::Batch batch;
    batch.add(piece);
    for (std::size_t i = 0; i < piece.size(); ++i)
      batch.outputs.push_back(static_cast<std::int32_t>(i));
    tensor::Arena arena_a, arena_b;
    ops::Run run_a(kernels::active(), serial_, arena_a), run_b(kernels::active(), serial_, arena_b);
    run_a.activations = run_b.activations = ops::Activations::by_row;
    const ops::Value before = a->forward(run_a, batch), after = b->forward(run_b, batch);
    for (std::size_t i = 0; i < piece.size(); ++i) {
      double sum_a = 0, sum_b = 0;
      for (std::size_t t = 0; t < before.columns; ++t) {
        sum_a += std::exp(static_cast<double>(before.row(i)[t]));
        sum_b += std::exp(static_cast<double>(after.row(i)[t]));
      }
      for (std::size_t t = 0; t < before.columns; ++t) {
        const double x = static_cast<double>(before.row(i)[t]),
                     y = static_cast<double>(after.row(i)[t]);
        const double p = std::exp(x) / sum_a, q = std::exp(y) / sum_b;
        kl += p * std::log(p / q);
        largest = std::max(largest, std::fabs(x - y));
      }
      ++positions;
      if (i + 1 == piece.size()) continue;
      nll -= static_cast<double>(after.row(i)[piece[i + 1]]) - std::log(sum_b);
      ++predicted;
    }
  }
  EXPECT_NEAR(c.mean_kl, kl / positions, 1e-9 + 1e-6 * c.mean_kl);
  EXPECT_NEAR(c.perplexity_after, std::exp(nll / predicted), 1e-6 * c.perplexity_after);
  EXPECT_EQ(c.max_logit_difference, largest);
}

TEST(Certificates, ComeBackFromTheirText) {
  Certificate c;
  c.from = "bf16";
  c.to = "q4_k";
  c.tensors = {{"q4_k", 7}, {"f32", 3}};
  c.source_fingerprint = "00ff";
  c.result_fingerprint = "ff00";
  c.max_logit_difference = 0.1;
  c.mean_kl = 1e-5;
  c.max_kl = 0.25;
  c.same_top_token = 0.96875;
  c.perplexity_before = 12.5;
  c.perplexity_after = 12.625;
  c.text_hash = "abc";
  c.tokens = 1000;
  c.unknown_tokens = 2;
  c.piece = 512;
  c.kernels = "avx2";
  c.made = 1'700'000'000;
  const auto back = certificates_from(to_text({c, c}));
  ASSERT_TRUE(back.ok()) << back.error().message();
  ASSERT_EQ(back->size(), 2u);
  EXPECT_EQ(to_text(*back), to_text({c, c}));
  EXPECT_EQ((*back)[1].mean_kl, c.mean_kl);
  EXPECT_EQ((*back)[1].tensors, c.tensors);
}

TEST(Certificates, DamageIsNamed) {
  const auto said = [](std::string_view text) {
    const auto read = certificates_from(text);
    return read.ok() ? std::string("no error") : read.error().message();
  };
  EXPECT_NE(said("{}").find("no JSON array"), std::string::npos);
  EXPECT_NE(said("[1]").find("certificate 1"), std::string::npos);
  EXPECT_NE(said("[{}]").find("from"), std::string::npos);
  EXPECT_NE(said(std::string(100, '[')).find("deep"), std::string::npos);
  EXPECT_NE(said("[").find("JSON"), std::string::npos);
  std::string many = "[1";
  for (int i = 0; i < 100; ++i) many += ",1";
  EXPECT_NE(said(many + "]").find("100"), std::string::npos);
}

}  // namespace
}  // namespace lathe::evaluation
