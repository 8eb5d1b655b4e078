#include "host/forecast.h"

#include <gtest/gtest.h>

namespace lathe::host {
namespace {

using tensor::DType;

// LLaMA 3.2 1B: 1,235,814,400 weights, tied.
const ModelSizes kSizes{.parameters = 1'235'814'400,
                        .layers = 16,
                        .kv_heads = 8,
                        .head_dim = 64,
                        .vocab_size = 128'256,
                        .hidden_size = 2048,
                        .tied_embeddings = true};
constexpr std::int64_t kEmbedding = 128'256 * 2048;

TEST(ForecastTest, CountsWhatIsLoaded) {
  EXPECT_EQ(weight_bytes(kSizes, DType::bf16), std::uint64_t{2} * 1'235'814'400);
  EXPECT_EQ(weight_bytes(kSizes, DType::f32), std::uint64_t{4} * 1'235'814'400);
  EXPECT_EQ(weight_bytes(kSizes, DType::f64), std::uint64_t{4} * (1'235'814'400 + kEmbedding));
  EXPECT_EQ(weight_bytes(kSizes, DType::q8_0), 1'235'814'400u / 32 * 34);  // an f16 scale each
  ModelSizes untied = kSizes;
  untied.tied_embeddings = false;
  untied.parameters += kEmbedding;
  EXPECT_EQ(weight_bytes(untied, DType::f64), weight_bytes(kSizes, DType::f64));
  EXPECT_LT(loaded_bytes_per_weight(DType::q4_k), loaded_bytes_per_weight(DType::q6_k));
  EXPECT_EQ(cache_bytes(kSizes, 4096), 2u * 16 * 8 * 64 * 4 * 4096);
}

TEST(ForecastTest, ATokenTouchesTheHeadAndNotTheEmbedding) {
  const MachineSpeed machine{.bytes_per_second = 34e9, .operations_per_second = 100e9};
  EXPECT_NEAR(decode_tokens_per_second(kSizes, DType::q8_0, machine),
              34e9 / (1'235'814'400 * 34.0 / 32), 1e-6);
  ModelSizes untied = kSizes;
  untied.tied_embeddings = false;
  untied.parameters += kEmbedding;
  EXPECT_DOUBLE_EQ(decode_tokens_per_second(untied, DType::q8_0, machine),
                   decode_tokens_per_second(kSizes, DType::q8_0, machine));
  EXPECT_NEAR(prompt_tokens_per_second(kSizes, machine), 100e9 / (2 * 1'235'814'400.0), 1e-6);
  ModelSizes experts = kSizes;
  experts.used_parameters = experts.parameters / 2;
  EXPECT_DOUBLE_EQ(decode_tokens_per_second(experts, DType::f32, machine),
                   2 * decode_tokens_per_second(kSizes, DType::f32, machine));
}

TEST(ForecastTest, ReadsTheMachine) {
  EXPECT_GT(available_memory().value(), 1u << 20);
  EXPECT_GT(available_disk("/tmp").value(), 0u);
  EXPECT_FALSE(available_disk("/no/such/folder").ok());
}

}  // namespace
}  // namespace lathe::host
