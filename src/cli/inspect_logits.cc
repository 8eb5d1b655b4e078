// lathe inspect logits: what a model computes for given token ids, for oracles to compare with:
// logits, or the last states of an encoder. In f32 by itself; with --activations as the engine does
// it when it answers, from a cache of keys and values and with its activations.
#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

#include "adapters/adapter.h"
#include "cli/inspect.h"
#include "cli/resolve.h"
#include "formats/safetensors.h"
#include "models/decoder.h"
#include "models/encoder.h"
#include "models/kv_cache.h"
#include "os/thread_pool.h"

namespace lathe::cli {
namespace {

struct InspectLogitsOptions {
  std::string reference;
  std::string adapter;
  std::vector<std::int32_t> ids;
  std::string activations = "f32";
  std::string out;
};

const char* const kActivationNames[] = {"f32", "drawn", "prompt"};

struct Output {
  std::string name;           // "logits" or "hidden"
  std::vector<float> values;  // [ids, vocab] or [ids, width]
  tensor::Shape shape;
};

Output output_of(std::string name, const ops::Value& value) {
  return {std::move(name),
          {value.data, value.data + value.size()},
          {static_cast<std::int64_t>(value.rows), static_cast<std::int64_t>(value.columns)}};
}

// The rows of a text: those of a soft prompt, then its tokens.
std::vector<std::int32_t> rows_of(const models::SequenceAdapters& adapters,
                                  std::span<const std::int32_t> ids) {
  const std::size_t prefix = adapters.soft_prompt != nullptr ? adapters.soft_prompt->rows : 0;
  std::vector<std::int32_t> rows;
  for (std::size_t i = 0; i < prefix; ++i) rows.push_back(-1 - static_cast<std::int32_t>(i));
  rows.insert(rows.end(), ids.begin(), ids.end());
  return rows;
}

// Every position of the one sequence, read in one pass; virtual tokens stand before it and give no
// rows. Whoever answers keeps keys and values in pages: so do all activations but f32.
Result<Output> logits_of(const models::Decoder& decoder, const models::SequenceAdapters& adapters,
                         const InspectLogitsOptions& options, Parallel& parallel) {
  const bool exact = options.activations == "f32";
  const std::vector<std::int32_t> rows = rows_of(adapters, options.ids);
  models::KvPool pool(decoder.kv_shape(), kernels::KvType::f16,
                      rows.size() / models::KvPool::kPageRows + 1);
  models::KvSequence cache(pool);
  models::Batch batch;
  models::BatchSequence& sequence = batch.add(rows);
  sequence.adapters = &adapters;
  for (std::size_t i = rows.size() - options.ids.size(); i < rows.size(); ++i)
    batch.outputs.push_back(static_cast<std::int32_t>(i));
  LATHE_CHECK(decoder.check(batch));
  if (!exact) {
    LATHE_CHECK(cache.reserve(rows.size()));
    sequence.cache = &cache;
    sequence.drawn = options.activations == "drawn";
  }
  tensor::Arena arena;
  ops::Run run(kernels::active(), parallel, arena);
  run.activations = exact ? ops::Activations::f32 : ops::Activations::by_row;
  return output_of("logits", decoder.forward(run, batch));
}

Result<Output> states_of(const os::Path& path, const std::vector<std::int32_t>& ids,
                         Parallel& parallel) {
  LATHE_TRY(const formats::EncoderSource source, formats::EncoderSource::open(path));
  LATHE_TRY(const auto encoder, models::Encoder::load(source, parallel));
  LATHE_CHECK(encoder->check(ids));
  models::EncoderBatch batch;
  encoder->add(batch, ids);
  tensor::Arena arena;
  ops::Run run(kernels::active(), parallel, arena);
  return output_of("hidden", encoder->forward(run, batch));
}

Result<Output> compute(const os::Path& path, const InspectLogitsOptions& options,
                       Parallel& parallel) {
  if (formats::is_encoder(path)) {
    if (!options.adapter.empty())
      return Error::unsupported("an encoder takes no adapter").at("--adapter");
    if (options.activations != "f32")
      return Error::unsupported("an encoder computes in f32").at("--activations");
    return states_of(path, options.ids, parallel);
  }
  LATHE_TRY(const formats::ModelSource source, formats::ModelSource::open(path));
  LATHE_TRY(const auto decoder, models::Decoder::load(source, parallel));
  std::unique_ptr<adapters::Adapter> adapter;
  if (!options.adapter.empty()) {
    LATHE_TRY(adapter, adapters::load_adapter(*decoder, options.adapter));
  }
  const models::SequenceAdapters view =
      adapter != nullptr ? adapter->view() : models::SequenceAdapters{};
  return logits_of(*decoder, view, options, parallel);
}

Status run_inspect_logits(const InspectLogitsOptions& options, const Common& common) {
  LATHE_TRY(const Resolved model, resolve(common, options.reference));
  if (!model.adaptations.empty()) {
    return Error::unsupported("logits are those of a model without adaptations of the store")
        .at(options.reference)
        .fix_with("name an adapter's folder with --adapter");
  }
  LATHE_TRY(const os::Path path, tasks::model_path(model.model_path));
  os::ThreadPool pool(common.threads);
  LATHE_TRY(const Output output, compute(path, options, pool));
  const std::vector<tensor::NamedTensor> tensors = {
      {output.name, tensor::view_of(output.values, output.shape)}};
  LATHE_CHECK(formats::write_safetensors(options.out, tensors));
  if (common.json) {
    fmt::print("{}\n", nlohmann::json{{"out", options.out}, {"shape", output.shape}}.dump());
  } else {
    fmt::print("wrote {} {} to {}\n", output.name, tensor::to_string(output.shape), options.out);
  }
  return {};
}

}  // namespace

Action add_inspect_logits(CLI::App& inspect, const Common& common) {
  auto options = make_options<InspectLogitsOptions>();
  CLI::App* command =
      inspect.add_subcommand("logits", "the logits of every position, or an encoder's last states");
  command->add_option("REF", options->reference, "a model")->required();
  command->add_option("--ids", options->ids, "token ids, with commas between them")
      ->required()
      ->delimiter(',');
  command->add_option("--adapter", options->adapter, "a PEFT folder to put into the pass");
  command
      ->add_option("--activations", options->activations,
                   "f32 (default): as they are; prompt: as the engine reads a prompt; drawn: as it "
                   "goes on from tokens that it drew")
      ->check(CLI::IsMember(
          std::vector<std::string>(std::begin(kActivationNames), std::end(kActivationNames))));
  command
      ->add_option("--out", options->out,
                   "the safetensors file to write: logits [ids, vocab], or hidden [ids, width]")
      ->required();
  command->footer("example: lathe inspect logits ./model --ids 5,17,9 --out logits.safetensors");
  return [options, &common] { return run_inspect_logits(*options, common); };
}

}  // namespace lathe::cli
