// lathe bench: what this machine can do at most, and what a model reaches of it.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>

#include "cli/commands.h"
#include "cli/kv_type.h"
#include "cli/output.h"
#include "cli/resolve.h"
#include "host/packed_weights.h"
#include "kernels/limits.h"
#include "models/pass_cost.h"
#include "os/thread_pool.h"
#include "tasks/loaded_model.h"

namespace lathe::cli {
namespace {

using nlohmann::json;

constexpr std::size_t kWarmUps = 1;  // runs that do not count

struct BenchOptions {
  std::string reference;
  std::size_t prompt = 512;  // 0: not measured
  std::size_t decode = 128;  // 0: not measured
  std::size_t depth = 8;     // of the context when decoding begins
  std::vector<std::size_t> batches = {1, 8};
  std::size_t runs = 3;
  kernels::KvType kv_type = kernels::KvType::f16;
};

// One line of the table: how fast, and of which limit what share.
struct Measured {
  std::string what;
  double tokens_per_second = 0;
  double share = 0;  // 0: no limit is known
  std::string limit;
};

// A limit of the machine that holds tokens back, and what each takes of it.
struct Bound {
  kernels::LimitMeter::Limit limit = nullptr;  // null: none is known
  double per_token = 0;                        // bytes read, or operations
  const char* name = "";
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

engine::GenerationRequest random_request(const engine::Engine& engine, std::size_t prompt,
                                         std::size_t answer, std::mt19937& random) {
  engine::GenerationRequest request;
  const auto vocab = static_cast<std::uint32_t>(engine.decoder().config().vocab_size);
  for (std::size_t i = 0; i < prompt; ++i)
    request.prompt.push_back(static_cast<std::int32_t>(random() % vocab));
  request.sampling.temperature = 0;
  request.max_tokens = answer;
  request.ignore_eos = true;
  return request;
}

class Bench {
 public:
  Bench(const BenchOptions& options, engine::Engine& engine, kernels::LimitMeter& meter)
      : options_(options),
        engine_(engine),
        meter_(meter),
        cost_(models::pass_cost(engine.decoder().config(), engine.decoder().weights())) {}

  Result<std::vector<Measured>> run() {
    std::vector<Measured> lines;
    if (options_.prompt > 0) {
      LATHE_TRY(Measured prompt, measure_prompt());
      lines.push_back(std::move(prompt));
    }
    if (options_.decode == 0) return lines;
    for (const std::size_t batch : options_.batches) {
      LATHE_TRY(Measured decode, measure_decode(batch));
      lines.push_back(std::move(decode));
    }
    return lines;
  }

 private:
  // Medians over the runs, of once()'s tokens a second and of its share of the bound. The limit of
  // a run is the mean of what it was just before and just after it.
  Result<Measured> measure(std::string what, const Bound& bound,
                           FunctionRef<Result<double>()> once) {
    std::vector<double> rates, shares;
    for (std::size_t i = 0; i < kWarmUps + options_.runs; ++i) {
      const double before = limit_now(bound);
      LATHE_TRY(const double rate, once());
      const double limit = (before + limit_now(bound)) / 2;
      if (i < kWarmUps) continue;
      rates.push_back(rate);
      shares.push_back(limit > 0 ? rate * bound.per_token / limit : 0);
    }
    return Measured{std::move(what), median(rates), median(shares), bound.name};
  }

  double limit_now(const Bound& bound) {
    return bound.limit == nullptr ? 0 : meter_.measure_now(bound.limit);
  }

  Result<Measured> measure_prompt() {
    const double ops =
        2 * (cost_.multiply_adds + cost_.head_multiply_adds / static_cast<double>(options_.prompt));
    return measure(fmt::format("prompt of {}", options_.prompt), prompt_bound(ops),
                   [&] { return prompt_once(); });
  }

  // The arithmetic that a prompt's products are made of.
  Bound prompt_bound(double ops) const {
    if (cost_.is_packed && kernels::has_tiles(kernels::active()))
      return {&kernels::MachineLimits::bf16_ops, ops, "bf16 arithmetic"};
    if (cost_.is_quantised) return {&kernels::MachineLimits::int8_ops, ops, "8-bit arithmetic"};
    return {&kernels::MachineLimits::f32_ops, ops, "f32 arithmetic"};
  }

  Result<double> prompt_once() {
    LATHE_TRY(const engine::Answer answer,
              engine_.generate(random_request(engine_, options_.prompt, 1, random_)));
    return static_cast<double>(options_.prompt) / answer.timing.prefill;
  }

  Result<Measured> measure_decode(std::size_t batch) {
    Bound bound;  // of several answers none is known
    if (batch == 1)
      bound = {&kernels::MachineLimits::read_bytes, cost_.weight_bytes + cost_.head_bytes,
               "reading memory"};
    return measure(fmt::format("answers of {}, {} at once", options_.decode, batch), bound,
                   [&] { return decode_once(batch); });
  }

  // Tokens a second of all answers together. The prompts are read before, so that while the answers
  // grow nothing else is done than finding them in the prefix cache.
  Result<double> decode_once(std::size_t batch) {
    std::vector<engine::GenerationRequest> requests, prompts;
    for (std::size_t i = 0; i < batch; ++i) {
      requests.push_back(random_request(engine_, options_.depth, options_.decode, random_));
      prompts.push_back(requests.back());
      prompts.back().max_tokens = 1;
    }
    for (const Result<engine::Answer>& answer : engine_.generate_all(std::move(prompts))) {
      if (!answer.ok()) return answer.error();
    }
    double longest = 0;
    for (const Result<engine::Answer>& answer : engine_.generate_all(std::move(requests))) {
      if (!answer.ok()) return answer.error();
      longest = std::max(longest, answer->timing.total - answer->timing.first_token);
    }
    return static_cast<double>(batch * (options_.decode - 1)) / longest;
  }

  const BenchOptions& options_;
  engine::Engine& engine_;
  kernels::LimitMeter& meter_;
  const models::PassCost cost_;
  std::mt19937 random_{1};
};

void print_limits(const kernels::MachineLimits& limits, std::size_t threads) {
  fmt::print(
      "kernels {}, {} threads: reads {:.1f} GB/s, {:.0f} GFLOP/s in f32, {:.0f} GOP/s in 8 bits",
      kernels::active().name, threads, limits.read_bytes * 1e-9, limits.f32_ops * 1e-9,
      limits.int8_ops * 1e-9);
  if (limits.bf16_ops > 0) fmt::print(", {:.0f} GFLOP/s in bf16", limits.bf16_ops * 1e-9);
  fmt::print("\n");
}

void print_lines(const std::vector<Measured>& lines) {
  Table table({"WHAT", "TOKENS/S", "SHARE", "OF"});
  for (const Measured& line : lines) {
    table.add({line.what, fmt::format("{:.1f}", line.tokens_per_second),
               line.share > 0 ? fmt::format("{:.0f} %", 100 * line.share) : "-",
               line.share > 0 ? line.limit : ""});
  }
  table.print("");
}

json bench_json(const kernels::MachineLimits& limits, std::size_t threads,
                const std::vector<Measured>& lines) {
  json out = {{"kernels", kernels::active().name},
              {"threads", threads},
              {"limits",
               {{"read_bytes_per_second", limits.read_bytes},
                {"f32_ops_per_second", limits.f32_ops},
                {"int8_ops_per_second", limits.int8_ops},
                {"bf16_ops_per_second", limits.bf16_ops}}},
              {"results", json::array()}};
  for (const Measured& line : lines) {
    json one = {{"what", line.what}, {"tokens_per_second", line.tokens_per_second}};
    if (line.share > 0) one.update({{"share", line.share}, {"of", line.limit}});
    out["results"].push_back(one);
  }
  return out;
}

Result<std::vector<Measured>> measure_model(const BenchOptions& options, const Common& common,
                                            kernels::LimitMeter& meter, Parallel& parallel) {
  LATHE_TRY(const Resolved resolved, resolve(common, options.reference));
  if (!resolved.adaptations.empty())
    return Error::unsupported("a model is measured without adaptations").at(options.reference);
  engine::EngineOptions engine_options;
  engine_options.max_sequences = *std::max_element(options.batches.begin(), options.batches.end());
  engine_options.prefill_rows = 512;
  engine_options.prefix_cache = true;
  engine_options.kv_type = options.kv_type;
  LATHE_TRY(const auto model, host::load_model(resolved, parallel, engine_options));
  return Bench(options, model->engine(), meter).run();
}

Status run_bench(const BenchOptions& options, const Common& common) {
  os::ThreadPool pool(common.thread_plan());
  kernels::LimitMeter meter(kernels::active(), pool);
  const kernels::MachineLimits limits = meter.measure_all();
  if (!common.json) print_limits(limits, pool.width());
  std::vector<Measured> lines;
  if (!options.reference.empty()) {
    LATHE_TRY(lines, measure_model(options, common, meter, pool));
  }
  if (common.json) {
    print_json(bench_json(limits, pool.width(), lines));
  } else if (!lines.empty()) {
    print_lines(lines);
  }
  return {};
}

}  // namespace

Action add_bench(CLI::App& program, const Common& common) {
  auto options = make_options<BenchOptions>();
  CLI::App* command = program.add_subcommand(
      "bench", "what this machine can do at most, and what a model reaches of it");
  command->add_option("REF", options->reference, "a model; without one, the machine alone");
  command->add_option("--prompt", options->prompt, "tokens of the prompt (512); 0: none is read")
      ->check(CLI::Range(0, 1 << 20));
  command->add_option("--decode", options->decode, "tokens of an answer (128); 0: none is made")
      ->check(CLI::IsMember({0}) | CLI::Range(2, 1 << 20));
  command->add_option("--depth", options->depth, "tokens in front of an answer (8)")
      ->check(CLI::Range(1, 1 << 20));
  command->add_option("--batch", options->batches, "answers at once (1,8)")
      ->delimiter(',')
      ->check(CLI::Range(1, 256));
  command->add_option("--runs", options->runs, "runs of which the median counts (3)")
      ->check(CLI::Range(1, 99));
  add_kv_type(*command, options->kv_type);
  command->footer(
      "examples: lathe bench\n          lathe bench starter --prompt 256 --batch 1,8,16");
  return [options, &common] { return run_bench(*options, common); };
}

}  // namespace lathe::cli
