#include "decode/sampler.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "decode/random.h"

namespace lathe::decode {
namespace {

using Candidate = SamplerScratch::Candidate;

// Total order of tokens, best first.
bool better(const Candidate& a, const Candidate& b) {
  return a.logit != b.logit ? a.logit > b.logit : a.token < b.token;
}

bool choosable(float logit) {
  return !std::isnan(logit) && logit != -std::numeric_limits<float>::infinity();
}

Error nothing_to_choose() {
  return Error::internal("the model gave no usable logit for the next token")
      .fix_with("check the model's weights: a damaged or overflowing tensor gives NaN");
}

// The greatest of some logits, and -inf when there is none; NaN counts as absent. In lanes and with
// the comparison that a vector's maximum makes, so that the compiler uses vectors.
float greatest_of(std::span<const float> logits) {
  constexpr std::size_t kLanes = 32;
  constexpr float kNone = -std::numeric_limits<float>::infinity();
  std::array<float, kLanes> lanes;
  lanes.fill(kNone);
  std::size_t i = 0;
  for (; i + kLanes <= logits.size(); i += kLanes) {
    for (std::size_t j = 0; j < kLanes; ++j)
      lanes[j] = logits[i + j] > lanes[j] ? logits[i + j] : lanes[j];
  }
  float top = kNone;
  for (const float lane : lanes) top = std::max(top, lane);
  for (; i < logits.size(); ++i) top = std::max(top, logits[i]);
  return top;
}

// The first of those with the greatest logit. A vocabulary is looked through block by block, so
// that only one of them is searched for the place.
Result<std::int32_t> greatest(std::span<const float> logits) {
  constexpr std::size_t kBlock = 1024;
  float top = -std::numeric_limits<float>::infinity();
  std::span<const float> best;
  for (std::size_t first = 0; first < logits.size(); first += kBlock) {
    const auto block = logits.subspan(first, std::min(kBlock, logits.size() - first));
    const float top_here = greatest_of(block);
    if (top_here > top) {
      top = top_here;
      best = block;
    }
  }
  if (best.empty()) return nothing_to_choose();
  const float* place = std::find(best.data(), best.data() + best.size(), top);
  return static_cast<std::int32_t>(place - logits.data());
}

// log sum exp, around the greatest; -inf and NaN add nothing.
double log_sum(std::span<const float> logits) {
  const float top = greatest_of(logits);
  double sum = 0;
  for (const float x : logits) {
    if (choosable(x)) sum += std::exp(static_cast<double>(x) - static_cast<double>(top));
  }
  return static_cast<double>(top) + std::log(sum);
}

void fill_candidates(std::span<const float> logits, std::vector<Candidate>& candidates) {
  candidates.clear();
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (choosable(logits[i])) candidates.push_back({logits[i], static_cast<std::int32_t>(i)});
  }
}

// Keeps the best `count`, in order.
void keep_best(std::vector<Candidate>& candidates, std::size_t count) {
  count = std::min(count, candidates.size());
  const auto end = candidates.begin() + static_cast<std::ptrdiff_t>(count);
  std::partial_sort(candidates.begin(), end, candidates.end(), better);
  candidates.erase(end, candidates.end());
}

// What is proportional to a candidate's probability; 1 for the best one.
struct Weight {
  double top;
  double temperature;
  double operator()(const Candidate& c) const {
    // The difference first: the best one's exponent is 0 even when both are infinite.
    if (static_cast<double>(c.logit) == top) return 1;
    return std::exp((static_cast<double>(c.logit) - top) / temperature);
  }
};

// Keeps the fewest best candidates whose mass reaches p of the whole. A heap gives them one by one,
// so that a peaked distribution costs one pass and not a sort.
void keep_mass(std::vector<Candidate>& candidates, double p, const Weight& weight) {
  double total = 0;
  for (const Candidate& c : candidates) total += weight(c);
  const auto worse = [](const Candidate& a, const Candidate& b) { return better(b, a); };
  std::make_heap(candidates.begin(), candidates.end(), worse);
  double mass = 0;
  auto heap_end = candidates.end();
  do {
    std::pop_heap(candidates.begin(), heap_end, worse);
    --heap_end;
    mass += weight(*heap_end);
  } while (mass < p * total && heap_end != candidates.begin());
  candidates.erase(candidates.begin(), heap_end);
  std::reverse(candidates.begin(), candidates.end());
}

std::vector<TokenLogprob> top_logprobs(std::span<const float> logits, std::size_t count,
                                       double normaliser, std::vector<Candidate>& candidates) {
  fill_candidates(logits, candidates);
  keep_best(candidates, count);
  std::vector<TokenLogprob> top;
  for (const Candidate& c : candidates) {
    top.push_back({c.token, static_cast<float>(static_cast<double>(c.logit) - normaliser)});
  }
  return top;
}

}  // namespace

double log_probability(std::span<const float> logits, std::int32_t token) {
  return static_cast<double>(logits[static_cast<std::size_t>(token)]) - log_sum(logits);
}

Sampler::Sampler(SamplingOptions options, std::span<const std::int32_t> prompt)
    : options_(std::move(options)),
      penalises_(options_.repetition_penalty != 1 || options_.presence_penalty != 0 ||
                 options_.frequency_penalty != 0) {
  if (!penalises_) return;
  for (const std::int32_t token : prompt) {
    if (token >= 0) seen_[token].anywhere = true;
  }
}

bool Sampler::changes_logits() const { return penalises_ || !options_.logit_bias.empty(); }

std::span<const float> Sampler::adjusted(std::span<const float> logits,
                                         SamplerScratch& scratch) const {
  scratch.logits.assign(logits.begin(), logits.end());
  for (const auto& [token, bias] : options_.logit_bias) {
    scratch.logits[static_cast<std::size_t>(token)] += bias;
  }
  const auto repetition = static_cast<float>(options_.repetition_penalty);
  for (const auto& [token, occurrences] : seen_) {
    float& logit = scratch.logits[static_cast<std::size_t>(token)];
    if (occurrences.anywhere) logit = logit > 0 ? logit / repetition : logit * repetition;
    if (occurrences.answer == 0) continue;
    logit -= static_cast<float>(options_.presence_penalty +
                                options_.frequency_penalty * occurrences.answer);
  }
  return scratch.logits;
}

Result<std::int32_t> Sampler::draw(std::span<const float> logits, SamplerScratch& scratch) const {
  std::vector<Candidate>& candidates = scratch.candidates;
  fill_candidates(logits, candidates);
  if (candidates.empty()) return nothing_to_choose();
  const Candidate best = *std::min_element(candidates.begin(), candidates.end(), better);
  const Weight weight = {static_cast<double>(best.logit), options_.temperature};

  const auto top_k = static_cast<std::uint64_t>(options_.top_k);
  if (top_k > 0 && top_k < candidates.size()) keep_best(candidates, top_k);
  if (options_.top_p < 1) keep_mass(candidates, options_.top_p, weight);

  scratch.weights.clear();
  double total = 0;
  for (const Candidate& c : candidates) {
    const double w = weight(c);
    scratch.weights.push_back(w >= options_.min_p ? w : 0);
    total += scratch.weights.back();
  }
  double left = uniform(options_.seed.value_or(0), drawn_) * total;
  std::int32_t chosen = best.token;  // stays when rounding leaves a crumb past the last one
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (scratch.weights[i] == 0) continue;
    chosen = candidates[i].token;
    left -= scratch.weights[i];
    if (left < 0) break;
  }
  return chosen;
}

Result<Sample> Sampler::next(std::span<const float> logits, SamplerScratch& scratch) {
  const std::span<const float> seen = changes_logits() ? adjusted(logits, scratch) : logits;
  LATHE_TRY(const std::int32_t token,
            options_.temperature == 0 ? greatest(seen) : draw(seen, scratch));
  Sample sample;
  sample.token = token;
  if (options_.logprobs) {
    const double normaliser = log_sum(logits);
    sample.logprob = static_cast<float>(
        static_cast<double>(logits[static_cast<std::size_t>(token)]) - normaliser);
    sample.top = top_logprobs(logits, static_cast<std::size_t>(*options_.logprobs), normaliser,
                              scratch.candidates);
  }
  count(token);
  return sample;
}

void Sampler::count(std::int32_t token) {
  ++drawn_;
  if (!penalises_) return;
  Occurrences& occurrences = seen_[token];
  occurrences.anywhere = true;
  ++occurrences.answer;
}

}  // namespace lathe::decode
