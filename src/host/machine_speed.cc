#include "host/machine_speed.h"

#include <fmt/format.h>

#include <atomic>
#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>

#include "kernels/matmul.h"

namespace lathe::host {
namespace {

constexpr std::size_t kReadWords = std::size_t{32} << 20;  // 256 MB: more than caches hold
constexpr int kPasses = 4;
constexpr std::size_t kRows = 256, kInner = 1024, kColumns = 1024;  // a product of a prompt's pass

// Eight sums side by side, so that adding does not hold up reading.
std::uint64_t sum_of(const std::uint64_t* words, std::size_t count) {
  std::uint64_t sums[8] = {};
  for (std::size_t i = 0; i + 8 <= count; i += 8) {
    for (std::size_t lane = 0; lane < 8; ++lane) sums[lane] += words[i + lane];
  }
  std::uint64_t sum = 0;
  for (const std::uint64_t each : sums) sum += each;
  return sum;
}

// The best of a few passes: what else runs only takes away.
template <class Pass>
double best_seconds(const os::Clock& clock, Pass pass) {
  double best = 1e9;
  for (int i = 0; i < kPasses; ++i) {
    const double start = clock.seconds();
    pass();
    best = std::min(best, clock.seconds() - start);
  }
  return std::max(best, 1e-9);
}

double read_speed(Parallel& parallel, const os::Clock& clock) {
  const std::vector<std::uint64_t> words(kReadWords, 1);
  std::atomic<std::uint64_t> sum = 0;
  const std::size_t tasks = parallel.width();
  const std::size_t share = kReadWords / tasks;
  const double seconds = best_seconds(clock, [&] {
    parallel.run(tasks, [&](std::size_t i) { sum += sum_of(words.data() + i * share, share); });
  });
  LATHE_ASSERT(sum > 0);  // and so that the reads are not left out
  return static_cast<double>(share * tasks * sizeof(std::uint64_t)) / seconds;
}

double product_speed(Parallel& parallel, const os::Clock& clock) {
  const kernels::Table& table = kernels::active();
  const std::vector<float> a(kRows * kInner, 0.5f), b(kInner * kColumns, 0.25f);
  std::vector<float> panels(kernels::panel_floats(table, kInner, kColumns));
  kernels::pack(table, {b.data(), kColumns, 1}, kInner, kColumns, panels.data(), parallel);
  std::vector<float> c(kRows * kColumns);
  kernels::Product product;
  product.a = {a.data(), kInner, 1};
  product.rows = kRows;
  product.k = kInner;
  product.columns = kColumns;
  product.c = c.data();
  product.c_stride = kColumns;
  const double seconds =
      best_seconds(clock, [&] { kernels::multiply(table, product, panels.data(), parallel); });
  return 2.0 * kRows * kInner * kColumns / seconds;
}

// The first processor as Linux describes it: by a name on x86-64, by two numbers on 64-bit Arm.
std::string processor_name() {
  std::ifstream in("/proc/cpuinfo");
  std::string line, name;
  while (std::getline(in, line) && !line.empty()) {
    if (line.starts_with("model name") || line.starts_with("CPU implementer") ||
        line.starts_with("CPU part"))
      name += line.substr(line.find(':') + 1);
  }
  return name.empty() ? "unknown" : name.substr(0, 200);
}

// What a measurement is about: the processor, the instructions used and the threads.
std::string machine_name(const Parallel& parallel) {
  return fmt::format("{}, {}, {} threads", processor_name(), kernels::active().name,
                     parallel.width());
}

std::optional<MachineSpeed> kept_speed(const os::Path& file, const std::string& machine) {
  const auto text = os::read_file(file, 64 * 1024);
  if (!text.ok()) return std::nullopt;
  const auto json = nlohmann::json::parse(*text, nullptr, false);
  if (!json.is_object() || json.value("machine", nlohmann::json()) != machine) return std::nullopt;
  const auto bytes = json.find("bytes_per_second");
  const auto operations = json.find("operations_per_second");
  if (bytes == json.end() || operations == json.end() || !bytes->is_number() ||
      !operations->is_number() || *bytes <= 0 || *operations <= 0)
    return std::nullopt;
  return MachineSpeed{bytes->get<double>(), operations->get<double>()};
}

}  // namespace

MachineSpeed measure_machine(Parallel& parallel, const os::Clock& clock) {
  return {read_speed(parallel, clock), product_speed(parallel, clock)};
}

Result<MachineSpeed> machine_speed(const os::Path& file, Parallel& parallel,
                                   const os::Clock& clock) {
  const std::string machine = machine_name(parallel);
  if (const auto kept = kept_speed(file, machine)) return *kept;
  const MachineSpeed speed = measure_machine(parallel, clock);
  const nlohmann::json out = {{"machine", machine},
                              {"bytes_per_second", speed.bytes_per_second},
                              {"operations_per_second", speed.operations_per_second}};
  LATHE_CHECK(os::write_file_atomically(
      file, out.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n"));
  return speed;
}

}  // namespace lathe::host
