// f32 products of training against the machine's own limit and against OpenBLAS, interleaved in one
// run.
//
//   cmake -S . -B build -DLATHE_BENCH=ON && cmake --build build --target gemm_bench &&
//   OPENBLAS_CORETYPE=SkylakeX build/bench/gemm_bench [threads]
//
// An OpenBLAS that does not know the processor takes its oldest kernels; the variable names better
// ones, and the first line says which it took.
//
// The limit is what fused multiply-adds on registers alone reach on the same threads (fma_peak.h),
// measured between the products.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "fma_peak.h"
#include "kernels/matmul.h"
#include "os/clock.h"
#include "os/thread_pool.h"

#ifdef LATHE_OPENBLAS
extern "C" {
void cblas_sgemm(int order, int ta, int tb, int m, int n, int k, float alpha, const float* a,
                 int lda, const float* b, int ldb, float beta, float* c, int ldc);
void openblas_set_num_threads(int);
char* openblas_get_corename();
}
#endif

namespace {

using namespace lathe;

struct Form {
  const char* name;
  std::size_t m, n, k;
  bool a_transposed, b_transposed;
};

constexpr int kRuns = 9;

// The products of one training step: of a decoder of width 256 and 640 with 8,192 tokens, and those
// of Qwen2.5 0.5B's and Llama 3.2 1B's MLPs with 512 to 2,048.
constexpr Form kForms[] = {
    {"1024^3        Y = A B  ", 1024, 1024, 1024, false, false},
    {"forward       Y = X W' ", 512, 4864, 896, false, true},
    {"forward       Y = X W' ", 2048, 8192, 2048, false, true},
    {"input grad    dX = dY W", 512, 896, 4864, false, false},
    {"input grad    dX = dY W", 1024, 2048, 8192, false, false},
    {"weight grad   dW = dY'X", 4864, 896, 512, true, false},
    {"weight grad   dW = dY'X", 8192, 2048, 1024, true, false},
    {"forward       Y = X W' ", 8192, 640, 256, false, true},
    {"forward, head Y = X W' ", 8192, 1536, 256, false, true},
    {"input grad    dX = dY W", 8192, 256, 640, false, false},
    {"weight grad   dW = dY'X", 640, 256, 8192, true, false},
    {"attention     S = Q K' ", 160, 160, 32, false, true},
};

double seconds_of(const std::function<void()>& work) {
  const os::SystemClock clock;
  const double start = clock.seconds();
  work();
  return clock.seconds() - start;
}

// Once before it is measured: the threads are awake then, and what fits is in the caches.
double seconds_of_warm(const std::function<void()>& work, int repeats) {
  work();
  return seconds_of([&] {
    for (int i = 0; i < repeats; ++i) work();
  });
}

// Both libraries' threads spin for a while after their work: without a pause each would slow the
// other's next run. After it the first call wakes the threads, which is not what is measured.
void let_threads_sleep() { std::this_thread::sleep_for(std::chrono::milliseconds(150)); }

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void measure(const Form& f, os::ThreadPool& pool) {
  const kernels::Table& table = kernels::active();
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> a(f.m * f.k), b(f.k * f.n), c(f.m * f.n);
  for (float& x : a) x = normal(random);
  for (float& x : b) x = normal(random);
  const kernels::Matrix am =
      f.a_transposed ? kernels::Matrix{a.data(), 1, f.m} : kernels::Matrix{a.data(), f.k, 1};
  const kernels::Matrix bm =
      f.b_transposed ? kernels::Matrix{b.data(), 1, f.k} : kernels::Matrix{b.data(), f.n, 1};
  kernels::PackBuffer buffer;
  const double flops = 2.0 * static_cast<double>(f.m * f.n * f.k);
  const int repeats = std::max(1, static_cast<int>(2e9 / flops));
  std::vector<double> ours, theirs, peaks;
  for (int run = 0; run < kRuns; ++run) {
    let_threads_sleep();
    bench::fma_gflops(pool);
    peaks.push_back(bench::fma_gflops(pool));
    const auto multiply = [&] {
      kernels::multiply_unpacked(table, {am, f.m, f.k, f.n, c.data(), f.n, false}, bm, buffer,
                                 pool);
    };
    ours.push_back(seconds_of_warm(multiply, repeats));
#ifdef LATHE_OPENBLAS
    let_threads_sleep();
    const auto blas = [&] {
      cblas_sgemm(101, f.a_transposed ? 112 : 111, f.b_transposed ? 112 : 111,
                  static_cast<int>(f.m), static_cast<int>(f.n), static_cast<int>(f.k), 1, a.data(),
                  static_cast<int>(f.a_transposed ? f.m : f.k), b.data(),
                  static_cast<int>(f.b_transposed ? f.k : f.n), 0, c.data(), static_cast<int>(f.n));
    };
    theirs.push_back(seconds_of_warm(blas, repeats));
#endif
  }
  const double rate = flops * repeats * 1e-9 / median(ours);
  const double peak = median(peaks);
  fmt::print("| {} | {:4} x {:4} x {:4} | {:3.0f} | {:3.0f} | {:3.0f} % |", f.name, f.m, f.n, f.k,
             rate, peak, 100 * rate / peak);
  if (theirs.empty()) {
    fmt::print(" - |\n");
  } else {
    fmt::print(" {:.2f} |\n", median(theirs) / median(ours));
  }
}

}  // namespace

// The argument: threads, 0 and none for all processors.
int main(int count, char** arguments) {
  os::ThreadPool pool(count > 1 ? std::strtoul(arguments[1], nullptr, 10) : 0);
#ifdef LATHE_OPENBLAS
  openblas_set_num_threads(static_cast<int>(pool.width()));
  const std::string other = fmt::format(" (OpenBLAS: {})", openblas_get_corename());
#else
  const std::string other;
#endif
  fmt::print("kernels {}{}, {} threads, medians of {} interleaved runs\n\n", kernels::active().name,
             other, pool.width(), kRuns);
  fmt::print(
      "| product | m x n x k | GFLOP/s | multiply-add limit | share of it | times OpenBLAS |\n"
      "|---|---|---|---|---|---|\n");
  for (const Form& form : kForms) measure(form, pool);
}
