#include "models/memory_forecast.h"

#include <gtest/gtest.h>

namespace lathe::models {
namespace {

formats::ModelSource golden(const char* name) {
  return formats::ModelSource::open(os::Path(LATHE_SOURCE_DIR) / "testdata/goldens" / name).value();
}

// Panels are padded to whole ones, and vectors are in f32: less than a quarter more here.
void expect_about(std::uint64_t bytes, std::uint64_t values, std::uint64_t size) {
  EXPECT_GE(bytes, size * values);
  EXPECT_LT(4 * bytes, 5 * size * values);
}

std::uint64_t parameters(const formats::ModelSource& source) {
  std::uint64_t count = 0;
  for (const std::string& name : source.tensor_names())
    count += tensor::element_count(source.tensor(name)->shape).value();
  return count;
}

TEST(MemoryForecast, CountsWhatIsKept) {
  const auto source = golden("llama");
  const formats::DecoderConfig& c = source.config();
  const MemoryForecast forecast = memory_forecast(source).value();
  expect_about(forecast.weights, parameters(source), 4);
  EXPECT_EQ(forecast.context, c.max_positions);
  const auto values = static_cast<std::uint64_t>(2 * c.layers * c.kv_heads * c.head_dim);
  EXPECT_EQ(forecast.cache_per_token, 2 * values);
  EXPECT_EQ(memory_forecast(source, 10)->cache, 10 * 2 * values);
  EXPECT_EQ(memory_forecast(source, 10, kernels::KvType::f32)->cache, 10 * 4 * values);
  const std::uint64_t scales = static_cast<std::uint64_t>(2 * c.layers * c.kv_heads) * 4;
  EXPECT_EQ(memory_forecast(source, 10, kernels::KvType::int8)->cache, 10 * (values + scales));
}

TEST(MemoryForecast, TypesStayAsNarrowAsTheyAreAndATiedHeadIsTheEmbedding) {
  const auto q8 = golden("gguf/q8_0.gguf");
  const auto f16 = golden("gguf/f16.gguf");
  EXPECT_LT(memory_forecast(q8)->weights, memory_forecast(f16)->weights * 3 / 5);
  const auto q4 = golden("gguf/q4_0.gguf");
  EXPECT_LT(memory_forecast(q4)->weights, memory_forecast(q8)->weights * 4 / 5);
  const auto tied = golden("llama-tied-bf16-sharded");
  expect_about(memory_forecast(tied)->weights, parameters(tied), 2);
}

}  // namespace
}  // namespace lathe::models
