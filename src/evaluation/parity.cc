#include "evaluation/parity.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/fnv.h"
#include "evaluation/parity_text.h"
#include "formats/weight_summary.h"
#include "models/decoder.h"
#include "os/scratch_file.h"
#include "text/tokenizer_parts.h"

namespace lathe::evaluation {
namespace {

constexpr std::size_t kLongestPiece = 512;
constexpr std::size_t kMaxLogits = std::size_t{1} << 24;  // of one pass: 64 MB

// The text as the model reads it.
struct FixedText {
  std::vector<std::vector<std::int32_t>> pieces;  // each with the tokens in front
  std::size_t front = 0;                          // of them in every piece
  std::size_t length = 0;                         // of the longest piece
  std::int64_t tokens = 0;
  std::int64_t unknown = 0;
};

std::size_t piece_length(const formats::DecoderConfig& config) {
  const auto context = static_cast<std::size_t>(formats::context_limit(config));
  const std::size_t fit =
      std::max<std::size_t>(16, kMaxLogits / static_cast<std::size_t>(config.vocab_size));
  return std::min({kLongestPiece, context, fit});
}

Result<FixedText> read_text(const text::Tokenizer& tokenizer, std::size_t length) {
  LATHE_TRY(const auto ids, tokenizer.encode(parity_text()));
  LATHE_TRY(const auto around, tokenizer.encode("", {.add_special_tokens = true}));
  FixedText reading;
  const bool has_bos = tokenizer.bos_id() && !around.empty() && around[0] == *tokenizer.bos_id();
  reading.front = has_bos ? 1 : 0;
  if (ids.size() < 2 || length < reading.front + 2)
    return Error::unsupported(fmt::format("a text of {} tokens in pieces of {} says nothing about "
                                          "the weights",
                                          ids.size(), length))
        .fix_with("convert without a certificate: --no-certificate");
  const std::size_t step = length - reading.front;
  for (std::size_t first = 0; first < ids.size(); first += step) {
    std::vector<std::int32_t> piece(reading.front, has_bos ? *tokenizer.bos_id() : 0);
    const std::size_t last = std::min(ids.size(), first + step);
    piece.insert(piece.end(), ids.begin() + static_cast<std::ptrdiff_t>(first),
                 ids.begin() + static_cast<std::ptrdiff_t>(last));
    reading.length = std::max(reading.length, piece.size());
    reading.pieces.push_back(std::move(piece));
  }
  reading.tokens = static_cast<std::int64_t>(ids.size());
  if (const auto unknown = tokenizer.parts().outline.settings.unk)
    reading.unknown = std::ranges::count(ids, *unknown);
  return reading;
}

// Loads a model and gives its logits of each piece in turn, [rows, vocab].
Status run_over(const formats::ModelSource& source, const FixedText& reading, Parallel& parallel,
                const std::function<void(std::size_t piece)>& starts,
                FunctionRef<Status(std::size_t piece, const ops::Value& logits)> take) {
  LATHE_TRY(const auto decoder, models::Decoder::load(source, parallel, reading.length));
  tensor::Arena arena;
  for (std::size_t i = 0; i < reading.pieces.size(); ++i) {
    starts(i);
    models::Batch batch;
    batch.add(reading.pieces[i]);
    for (std::size_t row = 0; row < reading.pieces[i].size(); ++row)
      batch.outputs.push_back(static_cast<std::int32_t>(row));
    LATHE_CHECK(decoder->check(batch));
    ops::Run run(kernels::active(), parallel, arena);
    run.activations = ops::Activations::by_row;  // as the engine answers
    LATHE_CHECK(take(i, decoder->forward(run, batch)));
    arena.reset();
  }
  return {};
}

// log of the sum of the exponentials; NaN when a logit is none.
double log_total(std::span<const float> logits) {
  float most = logits[0];
  for (const float x : logits) most = std::max(most, x);
  double sum = 0;
  for (const float x : logits) sum += std::exp(static_cast<double>(x) - static_cast<double>(most));
  return static_cast<double>(most) + std::log(sum);
}

// What one position says of the two models.
struct Position {
  double difference = 0;
  double kl = 0;
  bool same_top = false;
  double before = 0, after = 0;  // -log probability of the token that follows
};

Position compare(std::span<const float> before, std::span<const float> after,
                 std::optional<std::int32_t> next) {
  const double total_before = log_total(before), total_after = log_total(after);
  Position p;
  std::size_t top_before = 0, top_after = 0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    const double a = static_cast<double>(before[i]), b = static_cast<double>(after[i]);
    p.difference = std::max(p.difference, std::fabs(a - b));
    p.kl += std::exp(a - total_before) * ((a - total_before) - (b - total_after));
    if (before[i] > before[top_before]) top_before = i;
    if (after[i] > after[top_after]) top_after = i;
  }
  p.kl = std::max(p.kl, 0.0);  // below it by rounding alone
  p.same_top = top_before == top_after;
  if (next) {
    const auto token = static_cast<std::size_t>(*next);
    p.before = total_before - static_cast<double>(before[token]);
    p.after = total_after - static_cast<double>(after[token]);
  }
  if (std::isnan(total_before) || std::isnan(total_after)) p.kl = std::nan("");
  return p;
}

// Sums over all positions of all pieces.
class Totals {
 public:
  Status add(const Position& p, bool predicts) {
    if (!std::isfinite(p.kl) || !std::isfinite(p.difference))
      return Error::bad_input("the model gives no usable logits")
          .fix_with("check its weights: a damaged tensor gives NaN");
    difference_ = std::max(difference_, p.difference);
    max_kl_ = std::max(max_kl_, p.kl);
    kl_ += p.kl;
    same_ += p.same_top ? 1 : 0;
    ++positions_;
    before_ += p.before;
    after_ += p.after;
    predicted_ += predicts ? 1 : 0;
    return {};
  }
  void put_into(Certificate& c) const {
    c.max_logit_difference = difference_;
    c.mean_kl = kl_ / positions_;
    c.max_kl = max_kl_;
    c.same_top_token = same_ / positions_;
    c.perplexity_before = std::exp(before_ / predicted_);
    c.perplexity_after = std::exp(after_ / predicted_);
  }

 private:
  double difference_ = 0, kl_ = 0, max_kl_ = 0, same_ = 0, positions_ = 0;
  double before_ = 0, after_ = 0, predicted_ = 0;
};

// The source's logits [rows, vocab] of a piece against the result's.
Status compare_piece(std::span<const float> before, const ops::Value& after,
                     std::span<const std::int32_t> tokens, Parallel& parallel, Totals& totals) {
  std::vector<Position> positions(tokens.size());
  parallel.run(tokens.size(), [&](std::size_t row) {
    const std::optional<std::int32_t> next =
        row + 1 < tokens.size() ? std::optional(tokens[row + 1]) : std::nullopt;
    positions[row] = compare(before.subspan(row * after.columns, after.columns),
                             {after.row(row), after.columns}, next);
  });
  for (std::size_t row = 0; row < positions.size(); ++row)
    LATHE_CHECK(totals.add(positions[row], row + 1 < tokens.size()));
  return {};
}

Result<Totals> compare_models(const formats::ModelSource& source,
                              const formats::ModelSource& result, const FixedText& reading,
                              Parallel& parallel, const ParityOptions& options) {
  const auto says = [&](const char* who) {
    return [&options, &reading, who](std::size_t piece) {
      if (options.progress)
        options.progress(fmt::format("certificate: the {} reads piece {} of {}", who, piece + 1,
                                     reading.pieces.size()));
    };
  };
  LATHE_TRY(os::ScratchFile kept, os::ScratchFile::make(options.scratch));
  LATHE_CHECK(run_over(source, reading, parallel, says("source"),
                       [&](std::size_t, const ops::Value& logits) {
                         return kept.write(std::as_bytes(std::span(logits.data, logits.size())));
                       }));
  LATHE_TRY(const auto bytes, kept.map());
  const auto* before = reinterpret_cast<const float*>(bytes.data());
  Totals totals;
  LATHE_CHECK(run_over(
      result, reading, parallel, says("result"), [&](std::size_t piece, const ops::Value& logits) {
        const std::span<const float> of_piece(before, logits.size());
        before += logits.size();
        return compare_piece(of_piece, logits, reading.pieces[piece], parallel, totals);
      }));
  return totals;
}

Result<std::string> main_type(const formats::ModelSource& source) {
  LATHE_TRY(const auto types, formats::weights_by_type(source));
  return types.empty() ? std::string() : std::string(tensor::to_string(types.front().dtype));
}

}  // namespace

Result<Certificate> measure_parity(const formats::ModelSource& source,
                                   const formats::ModelSource& result,
                                   const text::Tokenizer& tokenizer, Parallel& parallel,
                                   const ParityOptions& options) {
  LATHE_TRY(const FixedText reading, read_text(tokenizer, piece_length(source.config())));
  LATHE_TRY(const Totals totals, compare_models(source, result, reading, parallel, options));
  Certificate c;
  LATHE_TRY(c.from, main_type(source));
  LATHE_TRY(c.to, main_type(result));
  totals.put_into(c);
  Fnv64 hash;
  hash.add(parity_text());
  c.text_hash = fmt::format("{:016x}", hash.value());
  c.tokens = reading.tokens;
  c.unknown_tokens = reading.unknown;
  c.piece = static_cast<std::int64_t>(reading.length);
  c.kernels = fmt::format("{}, int8 activations", kernels::active().name);
  return c;
}

}  // namespace lathe::evaluation
