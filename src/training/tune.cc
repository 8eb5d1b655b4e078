#include "training/tune.h"

#include <fmt/format.h>

#include <cmath>

#include "adapters/lora.h"
#include "adapters/soft_prompt.h"
#include "formats/model_writer.h"
#include "text/model_text.h"

namespace lathe::training {
namespace {

// Rates that work for small and middle-sized models; each method moves another number of weights.
float usual_rate(TuneMethod method) {
  switch (method) {
    case TuneMethod::lora:
      return 2e-3f;
    case TuneMethod::prompt:
      return 2e-2f;
    case TuneMethod::full:
      return 2e-4f;
  }
  return 1e-3f;
}

std::uint64_t bytes_in(const os::Path& folder) {
  std::uint64_t bytes = 0;
  std::error_code code;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder, code)) {
    if (entry.is_regular_file(code)) bytes += entry.file_size(code);
  }
  return bytes;
}

// The batch in tokens that holds batch_rows rows on average; the last row may overshoot by half a
// row.
std::size_t batch_tokens(const std::vector<Example>& examples, std::size_t rows) {
  const double mean =
      static_cast<double>(count_tokens(examples)) / static_cast<double>(examples.size());
  return std::max<std::size_t>(1,
                               static_cast<std::size_t>(mean * (static_cast<double>(rows) - 0.5)));
}

// What learns, and how it is written at the end.
class Method {
 public:
  Method(models::Decoder& decoder, const TuneOptions& options)
      : decoder_(decoder), options_(options) {}

  // example_tokens: real text of the task, which a soft prompt starts from.
  Status prepare(std::span<const std::int32_t> example_tokens) {
    if (options_.method == TuneMethod::full) {
      for (models::Parameter& p : decoder_.parameters()) {
        decoder_.set_learning(p, true);
        learning_.push_back(&p);
      }
      return {};
    }
    if (options_.method == TuneMethod::lora) {
      LATHE_TRY(adapter_, adapters::LoraAdapter::make(decoder_, options_.lora, options_.seed));
    } else {
      LATHE_TRY(adapter_,
                adapters::SoftPrompt::make(decoder_, options_.virtual_tokens, example_tokens));
    }
    adapter_->set_learning(true);
    for (models::Parameter& p : adapter_->parameters()) learning_.push_back(&p);
    return {};
  }

  const std::vector<models::Parameter*>& learning() const { return learning_; }
  models::SequenceAdapters view() const {
    return adapter_ ? adapter_->view() : models::SequenceAdapters();
  }

  std::size_t parameters() const {
    std::size_t count = 0;
    for (const models::Parameter* p : learning_) count += p->values.size();
    return count;
  }

  Status save(const formats::ModelSource& source, const text::ChatEncoder& encoder,
              const os::Path& out, const std::string& base_name) const {
    if (adapter_) return adapter_->save(out, base_name);
    std::vector<tensor::NamedTensor> tensors;
    for (const models::Parameter& p : decoder_.parameters()) {
      tensors.push_back({p.name, tensor::view_of(p.values, p.shape)});
    }
    formats::ModelTexts texts;
    texts.tokenizer_json = encoder.tokenizer().to_tokenizer_json();
    texts.tokenizer_config_json = encoder.tokenizer().to_tokenizer_config_json();
    texts.chat_template = encoder.chat_template().source();
    return formats::write_model_folder(out, source.config(), tensors, texts);
  }

 private:
  models::Decoder& decoder_;
  const TuneOptions& options_;
  std::unique_ptr<adapters::Adapter> adapter_;
  std::vector<models::Parameter*> learning_;
};

TrainerOptions trainer_options(const TuneOptions& options, const std::vector<Example>& examples,
                               const std::string& model) {
  TrainerOptions trainer;
  trainer.learner.adamw = {0.9f, 0.999f, 1e-8f, options.weight_decay, true};
  trainer.learner.clip = options.clip;
  trainer.batch_tokens = batch_tokens(examples, options.batch_rows);
  trainer.seed = options.seed;
  trainer.checkpoint = options.checkpoint;
  trainer.checkpoint_every = options.checkpoint_every;
  Schedule& schedule = trainer.schedule;
  schedule.peak = options.learning_rate > 0 ? options.learning_rate : usual_rate(options.method);
  schedule.floor = options.final_rate;
  schedule.total_steps =
      DataOrder(examples, trainer.batch_tokens, options.seed).count_batches(options.epochs);
  schedule.warmup_steps = std::llround(options.warmup * static_cast<double>(schedule.total_steps));
  std::string lora;
  for (const std::string& module : options.lora.target_modules) lora += module + ",";
  trainer.fingerprint =
      fmt::format("tune|{}|{}|{}r{}a{}|virtual={}|prompt_weight={}|tokens={}",
                  to_string(options.method), model, lora, options.lora.rank, options.lora.alpha,
                  options.virtual_tokens, options.loss.prompt_weight, count_tokens(examples));
  return trainer;
}

}  // namespace

const char* to_string(TuneMethod method) {
  switch (method) {
    case TuneMethod::lora:
      return "lora";
    case TuneMethod::prompt:
      return "prompt";
    case TuneMethod::full:
      return "full";
  }
  return "lora";
}

Result<TuneMethod> parse_tune_method(std::string_view text) {
  for (const TuneMethod method : {TuneMethod::lora, TuneMethod::prompt, TuneMethod::full}) {
    if (text == to_string(method)) return method;
  }
  return Error::bad_input(fmt::format("'{}' is not a tuning method", text))
      .fix_with("use lora, prompt or full");
}

Status check(const TuneOptions& options) {
  const auto refuse = [](const char* option, const char* what) {
    return Error::bad_input(what).at(option);
  };
  if (!(options.epochs > 0 && options.epochs <= 10'000))
    return refuse("epochs", "must be above 0, at most 10000");
  if (options.batch_rows < 1) return refuse("batch rows", "must be at least 1");
  if (!(options.learning_rate >= 0 && options.learning_rate <= 10)) {
    return refuse("learning rate", "must be between 0 and 10");
  }
  if (!(options.warmup >= 0 && options.warmup < 1))
    return refuse("warm-up", "must be a share from 0 to 1");
  if (options.method == TuneMethod::lora) {
    if (options.lora.rank < 1 || options.lora.rank > 4096)
      return refuse("rank", "must be between 1 and 4096");
    if (options.lora.target_modules.empty())
      return refuse("target modules", "name at least one module");
    if (options.lora.dropout != 0)
      return Error::unsupported("dropout is not supported").at("dropout");
  }
  if (options.method == TuneMethod::prompt && options.virtual_tokens < 1) {
    return refuse("virtual tokens", "must be at least 1");
  }
  return {};
}

Result<TuneReport> tune(const os::Path& model, const std::string& base_name,
                        const std::vector<Row>& rows, const os::Path& out,
                        const TuneOptions& options, Parallel& parallel, const os::Clock& clock,
                        const TrainerCallbacks& callbacks) {
  LATHE_CHECK(check(options));
  for (const char* file : {"adapter_config.json", "config.json"}) {
    if (std::filesystem::exists(out / file)) {
      return Error::already_exists("the folder holds an artefact")
          .at(out.string())
          .fix_with("choose another");
    }
  }
  LATHE_TRY(const formats::ModelSource source, formats::ModelSource::open(model));
  LATHE_TRY(const text::ChatEncoder encoder, text::load_chat_encoder(source));
  LATHE_TRY(const std::unique_ptr<models::Decoder> decoder,
            models::Decoder::load_trainable(source));
  TuneReport report;
  report.method = options.method;
  report.rows = rows.size();
  LATHE_TRY(const std::vector<Example> examples,
            encode_rows(rows, encoder, options.loss, parallel));
  if (examples.empty()) return Error::bad_input("there are no rows to train on");
  report.tokens_per_epoch = count_tokens(examples);

  Method method(*decoder, options);
  LATHE_CHECK(method.prepare(examples.front().tokens));
  report.learning_parameters = method.parameters();
  const TrainerOptions trainer = trainer_options(options, examples, model.string());
  const models::SequenceAdapters view = method.view();
  Learner learner(*decoder, view, method.learning(), trainer.learner, parallel);
  LATHE_TRY(report.training, train(learner, examples, trainer, clock, callbacks));
  if (report.training.stopped) return report;
  LATHE_CHECK(os::make_directories(out));
  LATHE_CHECK(method.save(source, encoder, out, base_name));
  report.artefact_bytes = bytes_in(out);
  std::error_code ignored;  // the artefact is whole; a checkpoint that stays only takes room
  if (!options.checkpoint.empty()) std::filesystem::remove(options.checkpoint, ignored);
  return report;
}

}  // namespace lathe::training
