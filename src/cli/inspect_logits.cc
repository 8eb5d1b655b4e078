// lathe inspect logits: what a model computes for given token ids, for oracles to compare with.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "adapters/adapter.h"
#include "cli/inspect.h"
#include "cli/resolve.h"
#include "formats/safetensors.h"
#include "models/decoder.h"
#include "os/thread_pool.h"

namespace lathe::cli {
namespace {

struct Options {
  std::string reference;
  std::string adapter;
  std::vector<std::int32_t> ids;
  std::string out;
};

struct Logits {
  std::vector<float> values;  // [ids, vocab]
  tensor::Shape shape;
};

// Every position of the one sequence; virtual tokens stand before it and give no rows.
Result<Logits> logits_of(const models::Decoder& decoder, const models::SequenceAdapters& adapters,
                         std::span<const std::int32_t> ids, Parallel& parallel) {
  const std::size_t prefix = adapters.soft_prompt != nullptr ? adapters.soft_prompt->rows : 0;
  std::vector<std::int32_t> rows;
  for (std::size_t i = 0; i < prefix; ++i) rows.push_back(-1 - static_cast<std::int32_t>(i));
  rows.insert(rows.end(), ids.begin(), ids.end());
  models::Batch batch;
  batch.add(rows).adapters = &adapters;
  for (std::size_t i = prefix; i < rows.size(); ++i)
    batch.outputs.push_back(static_cast<std::int32_t>(i));
  LATHE_CHECK(decoder.check(batch));
  tensor::Arena arena;
  ops::Run run(kernels::active(), parallel, arena);
  const ops::Value logits = decoder.forward(run, batch);
  return Logits{
      std::vector<float>(logits.data, logits.data + logits.size()),
      {static_cast<std::int64_t>(logits.rows), static_cast<std::int64_t>(logits.columns)}};
}

Status run(const Options& options, const Common& common) {
  LATHE_TRY(const Resolved model, resolve(common, options.reference));
  if (!model.adaptations.empty()) {
    return Error::unsupported("logits are those of a model without adaptations of the store")
        .at(options.reference)
        .fix_with("name an adapter's folder with --adapter");
  }
  LATHE_TRY(const os::Path path, tasks::model_path(model.model_path));
  LATHE_TRY(const formats::ModelSource source, formats::ModelSource::open(path));
  os::ThreadPool pool(common.threads);
  LATHE_TRY(const auto decoder, models::Decoder::load(source, pool));
  std::unique_ptr<adapters::Adapter> adapter;
  if (!options.adapter.empty()) {
    LATHE_TRY(adapter, adapters::load_adapter(*decoder, options.adapter));
  }
  const models::SequenceAdapters view =
      adapter != nullptr ? adapter->view() : models::SequenceAdapters{};
  LATHE_TRY(const Logits logits, logits_of(*decoder, view, options.ids, pool));
  const std::vector<tensor::NamedTensor> tensors = {
      {"logits", tensor::view_of(logits.values, logits.shape)}};
  LATHE_CHECK(formats::write_safetensors(options.out, tensors));
  if (common.json) {
    fmt::print("{}\n", nlohmann::json{{"out", options.out}, {"shape", logits.shape}}.dump());
  } else {
    fmt::print("wrote logits {} to {}\n", tensor::to_string(logits.shape), options.out);
  }
  return {};
}

}  // namespace

Action add_inspect_logits(CLI::App& inspect, const Common& common) {
  auto options = make_options<Options>();
  CLI::App* command = inspect.add_subcommand("logits", "the logits of every position, in f32");
  command->add_option("REF", options->reference, "a model")->required();
  command->add_option("--ids", options->ids, "token ids, with commas between them")
      ->required()
      ->delimiter(',');
  command->add_option("--adapter", options->adapter, "a PEFT folder to put into the pass");
  command->add_option("--out", options->out, "the safetensors file to write: logits [ids, vocab]")
      ->required();
  command->footer("example: lathe inspect logits ./model --ids 5,17,9 --out logits.safetensors");
  return [options, &common] { return run(*options, common); };
}

}  // namespace lathe::cli
