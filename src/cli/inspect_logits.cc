// lathe inspect logits: what a model computes for given token ids, for oracles to compare with:
// logits, or the last states of an encoder. In f32 by itself; with --activations as the engine does
// it when it answers, from a cache of keys and values and with its activations.
#include <fmt/format.h>

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
  std::string activations = "f32";  // or "engine"
  std::size_t drawn = 0;            // of the ids, the last
  std::string out;
};

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

// One sequence's rows, those of virtual tokens first, which give no logits.
struct Sequence {
  const models::SequenceAdapters& adapters;
  std::vector<std::int32_t> rows;
  std::size_t silent;  // rows at its start without logits
};

// Adds rows [first, last) to the batch, with their outputs.
models::BatchSequence& add_rows(models::Batch& batch, const Sequence& sequence, std::size_t first,
                                std::size_t last) {
  models::BatchSequence& entry =
      batch.add(std::span(sequence.rows).subspan(first, last - first), first);
  entry.adapters = &sequence.adapters;
  for (std::size_t row = std::max(first, sequence.silent); row < last; ++row)
    batch.outputs.push_back(static_cast<std::int32_t>(row - first));
  return entry;
}

// Every position in one pass, in f32.
Result<Output> exact_logits(const models::Decoder& decoder, const Sequence& sequence,
                            Parallel& parallel) {
  models::Batch batch;
  add_rows(batch, sequence, 0, sequence.rows.size());
  LATHE_CHECK(decoder.check(batch));
  tensor::Arena arena;
  ops::Run run(kernels::active(), parallel, arena);
  return output_of("logits", decoder.forward(run, batch));
}

// As the engine does it: from a cache of keys and values, first the prompt, whose last row is what
// the first token is drawn from, then what was drawn.
Result<Output> engine_logits(const models::Decoder& decoder, const Sequence& sequence,
                             std::size_t drawn, Parallel& parallel) {
  const std::size_t rows = sequence.rows.size(), prompt = rows - drawn;
  models::KvPool pool(decoder.kv_shape(), kernels::KvType::f16,
                      rows / models::KvPool::kPageRows + 1);
  models::KvSequence cache(pool);
  LATHE_CHECK(cache.reserve(rows));
  tensor::Arena arena;
  ops::Run run(kernels::active(), parallel, arena);
  run.activations = ops::Activations::by_row;
  Output output = {"logits", {}, {0, 0}};
  const std::size_t ends[] = {0, prompt - 1, prompt, rows};
  for (std::size_t part = 0; part < 3; ++part) {
    const std::size_t first = ends[part], last = ends[part + 1];
    if (first == last) continue;
    models::Batch batch;
    models::BatchSequence& entry = add_rows(batch, sequence, first, last);
    entry.cache = &cache;
    entry.whole = prompt;
    entry.drawn = first == prompt;
    LATHE_CHECK(decoder.check(batch));
    arena.reset();
    const ops::Value logits = decoder.forward(run, batch);
    output.values.insert(output.values.end(), logits.data, logits.data + logits.size());
    output.shape = {output.shape[0] + static_cast<std::int64_t>(logits.rows),
                    static_cast<std::int64_t>(logits.columns)};
  }
  return output;
}

Result<Output> logits_of(const models::Decoder& decoder, const models::SequenceAdapters& adapters,
                         const InspectLogitsOptions& options, Parallel& parallel) {
  Sequence sequence = {adapters, rows_of(adapters, options.ids), 0};
  sequence.silent = sequence.rows.size() - options.ids.size();
  if (options.activations == "f32") return exact_logits(decoder, sequence, parallel);
  if (options.drawn >= options.ids.size()) {
    return Error::bad_input(
               fmt::format("{} ids cannot have {} drawn ones", options.ids.size(), options.drawn))
        .at("--drawn")
        .fix_with("leave at least one id as the prompt");
  }
  return engine_logits(decoder, sequence, options.drawn, parallel);
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
  os::ThreadPool pool(common.thread_plan());
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
                   "f32 (default): as they are; engine: as the engine computes with them")
      ->check(CLI::IsMember({"f32", "engine"}));
  command->add_option("--drawn", options->drawn,
                      "with engine: so many of the last ids are tokens that it drew (0)");
  command
      ->add_option("--out", options->out,
                   "the safetensors file to write: logits [ids, vocab], or hidden [ids, width]")
      ->required();
  command->footer("example: lathe inspect logits ./model --ids 5,17,9 --out logits.safetensors");
  return [options, &common] { return run_inspect_logits(*options, common); };
}

}  // namespace lathe::cli
