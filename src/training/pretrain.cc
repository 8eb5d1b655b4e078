#include "training/pretrain.h"

#include <fmt/format.h>

#include "formats/model_writer.h"
#include "text/model_text.h"

namespace lathe::training {
namespace {

Result<std::vector<Row>> read_all(const std::vector<os::Path>& data) {
  std::vector<Row> rows;
  for (const os::Path& path : data) {
    LATHE_TRY(std::vector<Row> more, read_dataset(path));
    rows.insert(rows.end(), std::make_move_iterator(more.begin()),
                std::make_move_iterator(more.end()));
  }
  return rows;
}

// The texts of a row as the vocabulary sees them: contents, without what the template puts around
// them.
std::string contents(const Row& row) {
  std::string text = row.prompt + row.text;
  for (const text::Message& message : row.messages) text += message.content + "\n";
  return text;
}

// From every part of the data: each k-th row, so that sample_bytes is about reached.
Result<text::Tokenizer> train_vocabulary(const PretrainConfig& config,
                                         const std::vector<Row>& rows) {
  std::uint64_t bytes = 0;
  for (const Row& row : rows) bytes += contents(row).size();
  const std::size_t stride =
      std::max<std::size_t>(1, static_cast<std::size_t>(bytes / config.vocabulary_sample_bytes));
  std::size_t next = 0;
  return text::train_bpe(
      [&](std::string& text) {
        if (next >= rows.size()) return false;
        text = contents(rows[next]);
        next += stride;
        return true;
      },
      config.vocabulary);
}

// The vocabulary of this run: made once, then read again when the run is resumed.
Result<text::Tokenizer> vocabulary(const PretrainConfig& config, const std::vector<Row>& rows,
                                   const os::Path& out) {
  const os::Path path = out / "tokenizer.json";
  const os::Path config_path = out / "tokenizer_config.json";
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored) || !std::filesystem::exists(config_path, ignored)) {
    LATHE_TRY(const text::Tokenizer made, train_vocabulary(config, rows));
    LATHE_CHECK(os::write_file_atomically(path, made.to_tokenizer_json()));
    LATHE_CHECK(os::write_file_atomically(config_path, made.to_tokenizer_config_json()));
  }
  LATHE_TRY(const std::string json, os::read_file(path));
  LATHE_TRY(const text::Tokenizer tokenizer,
            text::Tokenizer::from_tokenizer_json(json).at(path.string()));
  LATHE_TRY(const std::string control, os::read_file(config_path));
  return tokenizer.apply_tokenizer_config(control).at(config_path.string());
}

Result<formats::DecoderConfig> model_config(const PretrainConfig& config,
                                            const text::Tokenizer& tokenizer) {
  formats::DecoderConfig model = config.model;
  model.vocab_size = tokenizer.vocab_size();
  if (const auto bos = tokenizer.bos_id()) model.bos_id = *bos;
  if (const auto eos = tokenizer.eos_id()) model.eos_ids = {*eos};
  if (!config.pad_token.empty()) {
    const auto pad = tokenizer.token_to_id(config.pad_token);
    if (!pad) return Error::bad_input("the token is not in the vocabulary").at("vocabulary.pad");
    model.pad_id = *pad;
  }
  return model;
}

Status write_model(const models::Decoder& decoder, const std::string& chat_template,
                   const text::Tokenizer& tokenizer, const os::Path& out) {
  std::vector<tensor::NamedTensor> tensors;
  for (const models::Parameter& p : decoder.parameters()) {
    tensors.push_back({p.name, tensor::view_of(p.values, p.shape)});
  }
  formats::ModelTexts texts;
  texts.tokenizer_json = tokenizer.to_tokenizer_json();
  texts.tokenizer_config_json = tokenizer.to_tokenizer_config_json();
  texts.chat_template = chat_template;
  return formats::write_model_folder(out, decoder.config(), tensors, texts);
}

}  // namespace

namespace {

// What the run learns: a model and how its texts become tokens.
struct Subject {
  std::unique_ptr<models::Decoder> decoder;
  std::optional<text::ChatEncoder> encoder;
  std::string origin;  // part of the run's fingerprint
};

Result<Subject> subject_from_nothing(const PretrainConfig& config, const std::vector<Row>& rows,
                                     const os::Path& out) {
  LATHE_TRY(text::Tokenizer tokenizer, vocabulary(config, rows, out));
  LATHE_TRY(text::ChatTemplate chat_template, text::ChatTemplate::parse(config.chat_template));
  LATHE_TRY(const formats::DecoderConfig shape, model_config(config, tokenizer));
  Subject subject;
  LATHE_TRY(subject.decoder,
            models::Decoder::make(shape, config.init_deviation, config.trainer.seed));
  subject.encoder.emplace(std::move(tokenizer), std::move(chat_template));
  subject.origin = fmt::format("nothing,{}", config.init_deviation);
  return subject;
}

Result<Subject> subject_from_model(const os::Path& path) {
  LATHE_TRY(const formats::ModelSource source, formats::ModelSource::open(path));
  Subject subject;
  LATHE_TRY(subject.encoder, text::load_chat_encoder(source));
  LATHE_TRY(subject.decoder, models::Decoder::load_trainable(source));
  subject.origin = path.string();
  return subject;
}

}  // namespace

Result<PretrainReport> pretrain(const PretrainConfig& config, const PretrainPaths& paths,
                                Parallel& parallel, const os::Clock& clock,
                                const PretrainCallbacks& callbacks) {
  const auto stage = [&](const std::string& what) {
    if (callbacks.on_stage) callbacks.on_stage(what);
  };
  if (std::filesystem::exists(paths.out / "config.json")) {
    return Error::already_exists("the folder holds a model")
        .at(paths.out.string())
        .fix_with("choose another folder");
  }
  LATHE_CHECK(os::make_directories(paths.out));
  PretrainReport report;
  stage("reading the data");
  std::vector<Example> examples;
  Subject subject;
  {
    LATHE_TRY(const std::vector<Row> rows, read_all(paths.data));
    report.rows = rows.size();
    stage(paths.from.empty() ? "training the vocabulary" : "loading the model");
    LATHE_TRY(subject, paths.from.empty() ? subject_from_nothing(config, rows, paths.out)
                                          : subject_from_model(paths.from));
    stage("encoding the data");
    LATHE_TRY(examples, encode_rows(rows, *subject.encoder, config.loss, parallel));
  }
  report.tokens_per_epoch = count_tokens(examples);

  models::Decoder& decoder = *subject.decoder;
  const text::Tokenizer& tokenizer = subject.encoder->tokenizer();
  std::vector<models::Parameter*> learning;
  for (models::Parameter& p : decoder.parameters()) {
    decoder.set_learning(p, true);
    learning.push_back(&p);
    report.parameters += p.values.size();
  }
  TrainerOptions options = config.trainer;
  options.schedule.total_steps =
      DataOrder(examples, options.batch_tokens, options.seed).count_batches(config.epochs);
  options.checkpoint = paths.out / "checkpoint.safetensors";
  LATHE_TRY(const std::string shape, formats::to_config_json(decoder.config(), "float32"));
  options.fingerprint = fmt::format("pretrain|{}|{}|{}|tokens={}", tokenizer.hash(), shape,
                                    subject.origin, report.tokens_per_epoch);
  stage(fmt::format("training {:.2f} million parameters on {:.1f} million tokens in {} steps",
                    static_cast<double>(report.parameters) * 1e-6,
                    static_cast<double>(report.tokens_per_epoch) * config.epochs * 1e-6,
                    options.schedule.total_steps));
  Learner learner(decoder, {}, std::move(learning), options.learner, parallel);
  LATHE_TRY(report.training, train(learner, examples, options, clock, callbacks.trainer));
  if (report.training.stopped) return report;
  LATHE_CHECK(
      write_model(decoder, subject.encoder->chat_template().source(), tokenizer, paths.out));
  std::error_code ignored;  // the model is whole; a checkpoint that stays only takes room
  std::filesystem::remove(options.checkpoint, ignored);
  return report;
}

}  // namespace lathe::training
