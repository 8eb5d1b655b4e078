// Every op's backward against central finite differences of its forward, on random inputs.
#include <gtest/gtest.h>

#include <cmath>
#include <deque>
#include <functional>
#include <random>

#include "ops/ops.h"

namespace lathe::ops {
namespace {

// Learnable inputs, held as one-row-per-line "weights"; a loss is a fixed random mix of the
// outputs.
class GradientTest : public testing::Test {
 protected:
  struct Input {
    std::vector<float> values;
    std::vector<float> gradient;
    std::size_t columns;
  };

  std::mt19937 random_{7};
  std::deque<Input> inputs_;
  SerialParallel serial_;
  tensor::Arena arena_;

  std::vector<float> normals(std::size_t n) {
    std::normal_distribution<float> normal;
    std::vector<float> out(n);
    for (float& x : out) x = normal(random_);
    return out;
  }
  Input& input(std::size_t rows, std::size_t columns) {
    inputs_.push_back({normals(rows * columns), std::vector<float>(rows * columns), columns});
    return inputs_.back();
  }
  static MatrixWeight matrix(Input& in) {
    MatrixWeight w;
    w.columns = in.columns;
    w.rows = in.values.size() / in.columns;
    w.f32 = in.values.data();
    w.gradient = in.gradient.data();
    return w;
  }
  static VectorWeight vector(Input& in) {
    return {in.values.size(), in.values.data(), in.gradient.data()};
  }

  // A Value that learns: the rows of a table, gathered by embed(). The lists live as long as the
  // test.
  std::deque<MatrixWeight> tables_;
  std::deque<std::vector<std::int32_t>> indices_;
  Value value(ops::Run& run, Input& in) {
    tables_.push_back(matrix(in));
    indices_.emplace_back();
    for (std::size_t i = 0; i < tables_.back().rows; ++i)
      indices_.back().push_back(static_cast<int>(i));
    return embed(run, tables_.back(), indices_.back(), {});
  }

  using Model = std::function<Value(ops::Run&)>;

  // sum(mix * y), and its gradient into the inputs when with_tape.
  double loss(const Model& model, const std::vector<float>& mix, bool with_tape) {
    arena_.reset();
    Tape tape;
    ops::Run run(kernels::active(), serial_, arena_, with_tape ? &tape : nullptr);
    const Value y = model(run);
    EXPECT_LE(y.size(), mix.size());
    double sum = 0;
    for (std::size_t i = 0; i < y.size(); ++i) sum += static_cast<double>(mix[i]) * y.data[i];
    if (with_tape) {
      std::copy_n(mix.data(), y.size(), tape.gradient(y.id));
      tape.backward();
    }
    return sum;
  }

  // The forward is f32: a central difference with step h errs by h^2 and eps / h; both near 1e-3 of
  // the gradients' size for h = 1e-2.
  void check(const Model& model) {
    const std::vector<float> mix = normals(4096);
    loss(model, mix, true);
    for (Input& in : inputs_) {
      for (std::size_t i = 0; i < in.values.size(); ++i) {
        const float h = 1e-2f;
        const float kept = in.values[i];
        in.values[i] = kept + h;
        const double up = loss(model, mix, false);
        in.values[i] = kept - h;
        const double down = loss(model, mix, false);
        in.values[i] = kept;
        const double expected = (up - down) / (2.0 * static_cast<double>(h));
        ASSERT_NEAR(in.gradient[i], expected, 4e-3 * (1 + std::fabs(expected))) << "input " << i;
      }
    }
  }

  // What decoding computes from pages equals what training computes from whole sequences.
  void expect_cached_equals_whole(const Heads& heads) {
    constexpr kernels::KvType kType = kernels::KvType::f32;
    const std::size_t rows = 21;
    auto q = normals(rows * 16), k = normals(rows * 8), v = normals(rows * 8);
    ops::Run run(kernels::active(), serial_, arena_);
    const Value whole = attention(run, {q.data(), rows, 16}, {k.data(), rows, 8},
                                  {v.data(), rows, 8}, heads, std::vector<SequenceRows>{{0, rows}});
    const std::size_t page = 2 * heads.kv_count * kernels::kv_tile_bytes(kType, heads.dim);
    std::vector<std::byte> storage(2 * page);
    std::vector<std::byte*> pages = {&storage[page], &storage[0]};
    for (std::size_t start : {0u, 13u}) {
      const std::size_t count = start == 0 ? 13 : rows - 13;
      const CachedRows part = {0, count, start, pages.data(), 0};
      const Value out =
          attention_cached(run, {&q[start * 16], count, 16}, {&k[start * 8], count, 8},
                           {&v[start * 8], count, 8}, heads, std::vector<CachedRows>{part}, kType);
      for (std::size_t i = 0; i < out.size(); ++i)
        ASSERT_NEAR(out.data[i], whole.data[start * 16 + i], 1e-5);
    }
  }
};

TEST_F(GradientTest, RmsNorm) {
  Input& x = input(3, 8);
  VectorWeight w = vector(input(1, 8));
  check([&](ops::Run& run) { return rms_norm(run, value(run, x), w, 1e-5f); });
}

TEST_F(GradientTest, RmsNormOfHeads) {
  Input& x = input(3, 8);
  VectorWeight w = vector(input(1, 4));
  check([&](ops::Run& run) { return rms_norm(run, value(run, x), w, 1e-5f); });
}

TEST_F(GradientTest, LinearWithBiasAlone) {
  Input& x = input(5, 6);
  MatrixWeight w = matrix(input(4, 6));
  VectorWeight bias = vector(input(1, 4));
  check([&](ops::Run& run) { return linear(run, value(run, x), w, {.bias = &bias}); });
}

TEST_F(GradientTest, LinearWithBias) {
  Input& x = input(5, 6);
  Input& r = input(5, 4);
  MatrixWeight w = matrix(input(4, 6));
  VectorWeight bias = vector(input(1, 4));
  check([&](ops::Run& run) {
    const Value residual = value(run, r);
    return linear(run, value(run, x), w, {.bias = &bias, .residual = &residual});
  });
}

TEST_F(GradientTest, LinearWithResidual) {
  Input& x = input(5, 6);
  Input& r = input(5, 4);
  MatrixWeight w = matrix(input(4, 6));
  check([&](ops::Run& run) {
    const Value residual = value(run, r);
    return linear(run, value(run, x), w, {.residual = &residual});
  });
}

TEST_F(GradientTest, LinearThatFeedsItsResidualToo) {
  Input& x = input(5, 6);
  MatrixWeight w = matrix(input(6, 6));
  check([&](ops::Run& run) {
    const Value v = value(run, x);
    const Value y = linear(run, v, w, {.residual = &v});
    return linear(run, y, w, {.residual = &y});
  });
}

TEST_F(GradientTest, LowRankUpdateOfSomeRows) {
  Input& x = input(5, 6);
  MatrixWeight w = matrix(input(4, 6));
  LoraWeight lora = {matrix(input(2, 6)), matrix(input(4, 2)), 0.7f};
  const std::vector<LoraSlice> slices = {{1, 4, &lora}};
  check([&](ops::Run& run) { return linear(run, value(run, x), w, {.loras = slices}); });
}

TEST_F(GradientTest, LowRankUpdateOfAFrozenProduct) {
  Input& x = input(5, 6);
  const std::vector<float> frozen = normals(24);
  MatrixWeight w;
  w.rows = 4;
  w.columns = 6;
  w.f32 = frozen.data();
  LoraWeight lora = {matrix(input(2, 6)), matrix(input(4, 2)), 2.0f};
  const std::vector<LoraSlice> slices = {{0, 5, &lora}};
  check([&](ops::Run& run) { return linear(run, value(run, x), w, {.loras = slices}); });
}

TEST_F(GradientTest, Gated) {
  Input& gate = input(3, 5);
  Input& up = input(3, 5);
  for (float& v : inputs_[0].values) v += std::copysign(0.1f, v);  // relu has a corner at 0
  for (const kernels::Activation act : kernels::kActivations) {
    inputs_[0].gradient.assign(15, 0);
    inputs_[1].gradient.assign(15, 0);
    check([&](ops::Run& run) {
      const Value g = value(run, gate);
      const Value u = value(run, up);
      return gated(run, g, &u, act);
    });
  }
}

TEST_F(GradientTest, ActivationWithoutAGate) {
  Input& x = input(3, 5);
  for (float& v : inputs_[0].values) v += std::copysign(0.1f, v);  // relu has a corner at 0
  for (const kernels::Activation act : kernels::kActivations) {
    inputs_[0].gradient.assign(15, 0);
    check([&](ops::Run& run) { return gated(run, value(run, x), nullptr, act); });
  }
}

TEST_F(GradientTest, LayerNorm) {
  Input& x = input(3, 8);
  const VectorWeight weight = vector(input(1, 8));
  const VectorWeight bias = vector(input(1, 8));
  check([&](ops::Run& run) { return layer_norm(run, value(run, x), weight, bias, 1e-5f); });
}

TEST_F(GradientTest, RmsNormWithAnOffset) {
  Input& x = input(3, 8);
  VectorWeight weight = vector(input(1, 8));
  weight.offset = 1;
  check([&](ops::Run& run) { return rms_norm(run, value(run, x), weight, 1e-5f); });
}

TEST_F(GradientTest, SumsScalesCapsAndColumns) {
  Input& a = input(3, 8);
  Input& b = input(3, 8);
  check([&](ops::Run& run) {
    const Value x = value(run, a);
    const Value sum = add(run, scale(run, x, 1.5f), value(run, b));
    return select_columns(run, soft_cap(run, sum, 2.0f), {1, 2, 4, 2});
  });
}

TEST_F(GradientTest, ExpertsAndTheirRouting) {
  for (const bool normalised : {false, true}) {
    inputs_.clear();
    Input& x = input(4, 6);
    Input& logits = input(4, 3);
    const MatrixWeight experts[] = {matrix(input(6, 6)), matrix(input(6, 6)), matrix(input(6, 6))};
    check([&](ops::Run& run) {
      const Value v = value(run, x);
      const Routing routing = route(run, value(run, logits), 2, normalised);
      std::vector<ExpertOutput> outputs;
      for (std::int32_t e = 0; e < 3; ++e) {
        ExpertOutput out;
        for (std::int32_t i = 0; i < 8; ++i) {
          if (routing.chosen[static_cast<std::size_t>(i)] != e) continue;
          out.rows.push_back(i / 2);
          out.slots.push_back(i % 2);
        }
        if (out.rows.empty()) continue;
        out.value = linear(run, select_rows(run, v, out.rows), experts[e]);
        outputs.push_back(std::move(out));
      }
      return combine(run, v, routing.weights, std::move(outputs));
    });
  }
}

TEST_F(GradientTest, GroupedAttentionOverSeveralSequences) {
  const Heads heads = {4, 2, 4, 0.5f};
  Input& q = input(9, 16);
  Input& k = input(9, 8);
  Input& v = input(9, 8);
  const std::vector<SequenceRows> sequences = {{0, 4}, {4, 5}, {5, 9}};
  check([&](ops::Run& run) {
    const Value qv = value(run, q);
    const Value kv = value(run, k);
    return attention(run, qv, kv, value(run, v), heads, sequences);
  });
}

TEST_F(GradientTest, AttentionWithAWindow) {
  const Heads heads = {2, 1, 4, 0.5f, 3};
  Input& q = input(8, 8);
  Input& k = input(8, 4);
  Input& v = input(8, 4);
  const std::vector<SequenceRows> sequences = {{0, 2}, {2, 8}};
  check([&](ops::Run& run) {
    const Value qv = value(run, q);
    const Value kv = value(run, k);
    return attention(run, qv, kv, value(run, v), heads, sequences);
  });
}

TEST_F(GradientTest, AttentionOfWhichOnlyOneInputLearns) {
  const Heads heads = {4, 2, 4, 0.5f};
  Input& learning = input(9, 16);
  const std::vector<SequenceRows> sequences = {{0, 9}};
  auto q = normals(9 * 16), k = normals(9 * 8);
  MatrixWeight half = matrix(input(8, 16));
  for (const int which : {0, 1, 2}) {
    inputs_[0].gradient.assign(9 * 16, 0);
    inputs_[1].gradient.assign(8 * 16, 0);
    check([&](ops::Run& run) {
      const Value fixed_q = {q.data(), 9, 16};
      const Value fixed_k = {k.data(), 9, 8};
      const Value v = value(run, learning);
      if (which == 0)
        return linear(run, attention(run, v, fixed_k, fixed_k, heads, sequences), half);
      const Value narrow = linear(run, v, half);
      if (which == 1) return attention(run, fixed_q, narrow, fixed_k, heads, sequences);
      return attention(run, fixed_q, fixed_k, narrow, heads, sequences);
    });
  }
}

TEST_F(GradientTest, AttentionWithSoftcapAndBiases) {
  Heads heads = {2, 1, 4, 0.5f};
  const auto biases = normals(2 * 8);
  heads.softcap = 1.5f;
  heads.key_bias = biases.data();
  heads.bias_stride = 8;
  Input& q = input(8, 8);
  Input& k = input(8, 4);
  Input& v = input(8, 4);
  const std::vector<SequenceRows> sequences = {{0, 2}, {2, 8}};
  for (const bool causal : {true, false}) {
    for (Input& in : inputs_) in.gradient.assign(in.values.size(), 0);
    heads.causal = causal;
    check([&](ops::Run& run) {
      const Value qv = value(run, q);
      const Value kv = value(run, k);
      return attention(run, qv, kv, value(run, v), heads, sequences);
    });
  }
}

TEST_F(GradientTest, GatedOfWhichOnlyOneInputLearns) {
  Input& gate = input(3, 5);
  auto up = normals(15);
  const Value fixed = {up.data(), 3, 5};
  check([&](ops::Run& run) {
    return gated(run, value(run, gate), &fixed, kernels::Activation::silu);
  });
}

TEST_F(GradientTest, Rotation) {
  Input& x = input(3, 12);
  std::vector<float> cosines, sines;
  for (int i = 0; i < 20; ++i) {
    cosines.push_back(std::cos(0.3f * static_cast<float>(i)));
    sines.push_back(std::sin(0.3f * static_cast<float>(i)));
  }
  const std::vector<std::int32_t> positions = {0, 4, 9};
  check([&](ops::Run& run) {
    const Value v = value(run, x);
    rotate(run, v, {6, 4}, positions, {cosines.data(), sines.data(), 10});
    return v;
  });
}

TEST_F(GradientTest, SelectedRowsAndSoftPrompt) {
  MatrixWeight table = matrix(input(5, 4));
  MatrixWeight prompt = matrix(input(2, 4));
  const std::vector<std::int32_t> tokens = {-1, -2, 3, 3, 0};
  const std::vector<std::int32_t> rows = {4, 0, 1, 1};
  const std::vector<SoftPromptSlice> prompts = {{0, 5, &prompt}};
  check([&](ops::Run& run) {
    return select_rows(run, embed(run, table, tokens, prompts, 2.5f), rows);
  });
}

TEST_F(GradientTest, CrossEntropy) {
  Input& x = input(4, 7);
  const std::vector<Target> targets = {{3, 1.0f}, {0, 0.5f}, {6, 0.0f}, {2, 2.0f}};
  const auto run_loss = [&](bool with_tape) {
    arena_.reset();
    Tape tape;
    ops::Run run(kernels::active(), serial_, arena_, with_tape ? &tape : nullptr);
    const double sum = cross_entropy(run, value(run, x), targets);
    if (with_tape) tape.backward();
    return sum;
  };
  run_loss(true);
  for (std::size_t i = 0; i < x.values.size(); ++i) {
    const float kept = x.values[i];
    x.values[i] = kept + 1e-2f;
    const double up = run_loss(false);
    x.values[i] = kept - 1e-2f;
    const double down = run_loss(false);
    x.values[i] = kept;
    EXPECT_NEAR(x.gradient[i], (up - down) / 2e-2, 2e-3);
  }
}

TEST_F(GradientTest, CachedAttentionEqualsWholeAttention) {
  for (const std::size_t window : {0u, 1u, 5u, 20u, 21u}) {
    SCOPED_TRACE(window);
    expect_cached_equals_whole({4, 2, 4, 0.5f, window});
    Heads heads = {4, 2, 4, 0.5f, window};
    const auto biases = normals(4 * 64);
    heads.softcap = 2;
    heads.key_bias = biases.data();
    heads.bias_stride = 64;
    expect_cached_equals_whole(heads);
  }
}

}  // namespace
}  // namespace lathe::ops
