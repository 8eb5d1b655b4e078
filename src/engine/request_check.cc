#include "engine/request_check.h"

#include <fmt/format.h>

#include <random>
#include <span>

namespace lathe::engine {
namespace {

Status check_tokens(std::span<const std::int32_t> tokens, const Adapters& adapters,
                    const models::Decoder& decoder) {
  if (tokens.empty()) {
    return Error::bad_input("the prompt has no tokens")
        .at("prompt")
        .fix_with("give some text, or at least the beginning-of-sequence token");
  }
  const auto vocab = static_cast<std::int64_t>(decoder.config().vocab_size);
  const ops::MatrixWeight* soft = adapters != nullptr ? adapters->soft_prompt : nullptr;
  const auto virtual_tokens = static_cast<std::int64_t>(soft != nullptr ? soft->rows : 0);
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i] < vocab && tokens[i] >= -virtual_tokens) continue;
    return Error::bad_input(fmt::format("token {} is not in the vocabulary of {} tokens{}",
                                        tokens[i], vocab,
                                        tokens[i] < 0 ? ", nor in the adapters' soft prompt" : ""))
        .at(fmt::format("prompt[{}]", i));
  }
  return {};
}

Status check_adapters(const Adapters& adapters, const models::Decoder& decoder) {
  if (adapters == nullptr) return {};
  const auto width = static_cast<std::size_t>(decoder.config().hidden_size);
  if (adapters->soft_prompt != nullptr && adapters->soft_prompt->columns != width) {
    return Error::bad_input(fmt::format("the soft prompt is {} wide; the model is {}",
                                        adapters->soft_prompt->columns, width))
        .at("adapters");
  }
  if (adapters->loras.size() > decoder.sites().size()) {
    return Error::bad_input(fmt::format("low-rank updates for {} sites; the model has {}",
                                        adapters->loras.size(), decoder.sites().size()))
        .at("adapters");
  }
  for (std::size_t site = 0; site < adapters->loras.size(); ++site) {
    const ops::LoraWeight* lora = adapters->loras[site];
    if (lora == nullptr) continue;
    const auto [out, in] = decoder.site_shape(site);
    if (!lora->low_rank()) continue;
    if (lora->b.rows == out && lora->a.columns == in && lora->a.rows == lora->b.columns) continue;
    return Error::bad_input(fmt::format("a low-rank update of [{}, {}] for a matrix of [{}, {}]",
                                        lora->b.rows, lora->a.columns, out, in))
        .at("adapters: " + decoder.sites()[site]);
  }
  return {};
}

std::string what_holds(const RequestBounds& bounds) {
  if (bounds.context <= bounds.cache_rows)
    return fmt::format("the context holds {}", bounds.context);
  return fmt::format("the cache for keys and values holds {} (the context {})", bounds.cache_rows,
                     bounds.context);
}

Error too_long(std::size_t prompt, const RequestBounds& bounds) {
  return Error::limit(fmt::format("the prompt has {} tokens; {}, the answer included", prompt,
                                  what_holds(bounds)))
      .at("prompt")
      .fix_with(fmt::format("shorten the prompt to at most {} tokens", bounds.capacity() - 1));
}

Result<std::size_t> room_for_answer(const GenerationRequest& request, const RequestBounds& bounds) {
  const std::size_t prompt = request.prompt.size();
  if (request.max_tokens == std::size_t{0}) {
    return Error::bad_input("max_tokens is 0").at("max_tokens").fix_with("ask for at least 1");
  }
  if (prompt >= bounds.capacity()) return too_long(prompt, bounds);
  const std::size_t room = bounds.capacity() - prompt;
  const std::size_t asked = request.max_tokens.value_or(room);
  if (asked <= room) return asked;
  return Error::limit(fmt::format("the prompt has {} tokens and max_tokens is {}; {}", prompt,
                                  asked, what_holds(bounds)))
      .at("max_tokens")
      .fix_with(fmt::format("shorten the prompt, or ask for at most {} tokens", room));
}

std::uint64_t fresh_seed() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

}  // namespace

Result<GenerationPlan> plan_generation(const GenerationRequest& request,
                                       const models::Decoder& decoder, const RequestBounds& bounds,
                                       const std::vector<std::int32_t>& eos_ids) {
  LATHE_CHECK(check_adapters(request.adapters, decoder));
  LATHE_CHECK(check_tokens(request.prompt, request.adapters, decoder));
  LATHE_CHECK(
      decode::check(request.sampling, static_cast<std::size_t>(decoder.config().vocab_size)));
  LATHE_CHECK(decode::check_stop_strings(request.stop));
  GenerationPlan plan;
  LATHE_TRY(plan.stop.max_tokens, room_for_answer(request, bounds));
  plan.stop.stop = request.stop;
  if (!request.ignore_eos) plan.stop.eos_ids = eos_ids;
  plan.sampling = request.sampling;
  if (!plan.sampling.seed) plan.sampling.seed = fresh_seed();
  return plan;
}

Status check_score(const ScoreRequest& request, const models::Decoder& decoder,
                   const RequestBounds& bounds) {
  LATHE_CHECK(check_adapters(request.adapters, decoder));
  LATHE_CHECK(check_tokens(request.tokens, request.adapters, decoder));
  const std::size_t size = request.tokens.size();
  if (request.first < 1 || request.first >= size) {
    return Error::bad_input(fmt::format("scoring from token {} of {}", request.first, size))
        .at("first")
        .fix_with("leave at least one token before the scored ones, and one to score");
  }
  for (std::size_t i = request.first; i < size; ++i) {
    if (request.tokens[i] >= 0) continue;
    return Error::bad_input("a virtual token cannot be scored").at(fmt::format("tokens[{}]", i));
  }
  if (size > bounds.capacity()) {
    return Error::limit(fmt::format("{} tokens are to be scored together with their prompt; {}",
                                    size, what_holds(bounds)))
        .at("tokens")
        .fix_with("score a shorter text, or in pieces");
  }
  return {};
}

}  // namespace lathe::engine
