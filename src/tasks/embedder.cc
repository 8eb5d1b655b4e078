#include "tasks/embedder.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "models/pooling.h"
#include "tasks/loaded_model.h"
#include "text/model_text.h"

namespace lathe::tasks {
namespace {

using Tokens = std::vector<std::int32_t>;

// Tokens of one pass: enough to keep the products busy, few enough to bound its memory.
constexpr std::size_t kPassTokens = 4096;

// Takes tokens out of the text's own, `own`, which stand somewhere inside `whole`, until `most`
// are left.
Tokens cut(const Tokens& whole, const Tokens& own, std::size_t most) {
  const auto at = std::search(whole.begin(), whole.end(), own.begin(), own.end());
  const auto before = static_cast<std::size_t>(at - whole.begin());
  const std::size_t excess = std::min(whole.size() - most, own.size());
  Tokens out(whole.begin(), whole.begin() + static_cast<long>(before + own.size() - excess));
  out.insert(out.end(), whole.begin() + static_cast<long>(before + own.size()), whole.end());
  return out;
}

}  // namespace

Result<std::shared_ptr<const Embedder>> Embedder::load(const os::Path& path, Parallel& parallel,
                                                       const EmbedderOptions& options) {
  LATHE_TRY(const os::Path file, model_path(path));
  LATHE_TRY(const formats::EncoderSource source, formats::EncoderSource::open(file));
  LATHE_TRY(text::Tokenizer tokenizer, text::load_tokenizer(source));
  std::shared_ptr<Embedder> embedder(new Embedder(std::move(tokenizer), parallel));
  embedder->config_ = source.embedding();
  if (options.pooling) embedder->config_.pooling = options.pooling;
  if (options.normalised) embedder->config_.normalised = *options.normalised;
  if (!embedder->config_.pooling)
    return Error::unsupported("the model's files do not say how its states become one vector")
        .at(file.string())
        .fix_with("choose with --pooling mean or --pooling cls, as the model's authors say");
  LATHE_TRY(embedder->encoder_, models::Encoder::load(source, parallel));
  return std::shared_ptr<const Embedder>(std::move(embedder));
}

Result<Tokens> Embedder::tokens_of(std::string_view text, const TextOptions& options) const {
  const std::optional<std::string>& name = options.prompt ? options.prompt : config_.default_prompt;
  std::string whole;
  if (name) {
    const auto prompt = config_.prompts.find(*name);
    if (prompt == config_.prompts.end()) {
      std::vector<std::string> known;
      for (const auto& [key, value] : config_.prompts) known.push_back(key);
      return Error::bad_input(fmt::format("the model has no prompt '{}'", *name))
          .fix_with(known.empty() ? "it has none at all"
                                  : fmt::format("it has: {}", fmt::join(known, ", ")));
    }
    whole = prompt->second;
  }
  whole += text;
  LATHE_TRY(Tokens tokens,
            tokenizer_.encode(whole, {.add_special_tokens = true, .parse_special = true}));
  if (tokens.empty()) return Error::bad_input("the text gives no token, so it has no embedding");
  const auto most = static_cast<std::size_t>(config_.max_tokens);
  if (tokens.size() <= most) return tokens;
  if (!options.truncate)
    return Error::limit(
               fmt::format("the text has {} tokens, the model takes {}", tokens.size(), most))
        .fix_with("cut it into pieces, or let it be cut off with --truncate");
  LATHE_TRY(const Tokens plain, tokenizer_.encode(whole, {.parse_special = true}));
  return cut(tokens, plain, most);
}

Result<std::vector<std::vector<float>>> Embedder::embed(std::span<const Tokens> texts) const {
  for (std::size_t i = 0; i < texts.size(); ++i)
    LATHE_CHECK(encoder_->check(texts[i]).at(fmt::format("text {}", i)));
  std::vector<std::vector<float>> vectors;
  tensor::Arena arena;
  for (std::size_t next = 0; next < texts.size();) {
    models::EncoderBatch batch;
    do {
      encoder_->add(batch, texts[next++]);
    } while (next < texts.size() && batch.tokens.size() + texts[next].size() <= kPassTokens);
    arena.reset();
    ops::Run run(kernels::active(), parallel_, arena);
    const ops::Value states = encoder_->forward(run, batch);
    for (const ops::SequenceRows& text : batch.texts) {
      std::vector<float> vector = models::pool(*config_.pooling, states, text);
      if (config_.normalised) models::normalise(vector);
      if (!std::ranges::all_of(vector, [](float x) { return std::isfinite(x); }))
        return Error::bad_input(
                   fmt::format("the model's weights give text {} values that are no numbers",
                               vectors.size()))
            .fix_with("download the model again");
      vectors.push_back(std::move(vector));
    }
  }
  return vectors;
}

}  // namespace lathe::tasks
