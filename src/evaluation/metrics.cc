#include "evaluation/metrics.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>
#include <numeric>
#include <random>

#include "base/result.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace lathe::evaluation {
namespace {

constexpr std::string_view kSpace = " \t\r\n\v\f";
constexpr double kZ95 = 1.959963984540054;  // the normal distribution's 97.5 % point

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> found;
  for (std::size_t at = text.find_first_not_of(kSpace); at != std::string_view::npos;) {
    const std::size_t end = std::min(text.find_first_of(kSpace, at), text.size());
    found.push_back(text.substr(at, end - at));
    at = text.find_first_not_of(kSpace, end);
  }
  return found;
}

std::string lower(std::string_view text) {
  return text::is_valid_utf8(text) ? text::to_lower(text) : std::string(text);
}

bool is_sign(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x80 && !std::isalnum(byte);
}

// Words as token_f1 counts them, each with how often it comes.
std::map<std::string, std::size_t> word_counts(std::string_view text) {
  std::map<std::string, std::size_t> counts;
  for (std::string_view word : words(text)) {
    while (!word.empty() && is_sign(word.front())) word.remove_prefix(1);
    while (!word.empty() && is_sign(word.back())) word.remove_suffix(1);
    if (!word.empty()) ++counts[lower(word)];
  }
  return counts;
}

std::size_t total(const std::map<std::string, std::size_t>& counts) {
  std::size_t sum = 0;
  for (const auto& [word, count] : counts) sum += count;
  return sum;
}

}  // namespace

std::string normalise(std::string_view text, const MatchOptions& options) {
  std::string normal;
  for (const std::string_view word : words(text)) {
    if (!normal.empty()) normal += ' ';
    normal += word;
  }
  if (normal.size() > 1 && normal.back() == '.') normal.pop_back();
  while (!normal.empty() && normal.back() == ' ') normal.pop_back();
  return options.ignore_case ? lower(normal) : normal;
}

bool exact_match(std::string_view answer, std::string_view expected, const MatchOptions& options) {
  return normalise(answer, options) == normalise(expected, options);
}

double token_f1(std::string_view answer, std::string_view expected) {
  const auto given = word_counts(answer);
  const auto wanted = word_counts(expected);
  const std::size_t all = total(given) + total(wanted);
  if (all == 0) return 1;
  std::size_t shared = 0;
  for (const auto& [word, count] : given) {
    const auto found = wanted.find(word);
    if (found != wanted.end()) shared += std::min(count, found->second);
  }
  return 2.0 * static_cast<double>(shared) / static_cast<double>(all);
}

Interval wilson(std::size_t right, std::size_t rows) {
  LATHE_ASSERT(right <= rows);
  if (rows == 0) return {0, 1};
  const auto n = static_cast<double>(rows);
  const double share = static_cast<double>(right) / n;
  const double z2 = kZ95 * kZ95;
  const double center = (share + z2 / (2 * n)) / (1 + z2 / n);
  const double half = kZ95 / (1 + z2 / n) * std::sqrt(share * (1 - share) / n + z2 / (4 * n * n));
  // Exactly 0 and 1 at the ends, where rounding would leave a crumb.
  return {right == 0 ? 0 : center - half, right == rows ? 1 : center + half};
}

double mcnemar_p(std::size_t only_a, std::size_t only_b) {
  const auto n = static_cast<double>(only_a + only_b);
  double tail = 0;
  for (std::size_t k = 0; k <= std::min(only_a, only_b); ++k) {
    const auto x = static_cast<double>(k);
    tail += std::exp(std::lgamma(n + 1) - std::lgamma(x + 1) - std::lgamma(n - x + 1) -
                     n * std::log(2.0));
  }
  return std::min(1.0, 2 * tail);
}

Interval bootstrap_difference(std::span<const double> a, std::span<const double> b,
                              std::uint64_t seed, std::size_t samples) {
  LATHE_ASSERT(a.size() == b.size());
  if (a.empty() || samples == 0) return {};
  std::mt19937_64 random(seed);
  std::vector<double> means(samples);
  for (double& difference : means) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      // The remainder's bias is a.size() / 2^64; std's distributions differ between libraries.
      const std::size_t row = random() % a.size();
      sum += a[row] - b[row];
    }
    difference = sum / static_cast<double>(a.size());
  }
  return {quantile(means, 0.025), quantile(means, 0.975)};
}

PairedComparison compare_paired(std::span<const double> a, std::span<const double> b) {
  LATHE_ASSERT(a.size() == b.size());
  PairedComparison result;
  for (std::size_t i = 0; i < a.size(); ++i) {
    result.only_a += a[i] > b[i];
    result.only_b += b[i] > a[i];
  }
  result.difference = mean(a) - mean(b);
  result.interval = bootstrap_difference(a, b);
  result.p = mcnemar_p(result.only_a, result.only_b);
  return result;
}

double mean(std::span<const double> values) {
  if (values.empty()) return 0;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double quantile(std::span<const double> values, double share) {
  if (values.empty()) return 0;
  LATHE_ASSERT(share >= 0 && share <= 1);
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

}  // namespace lathe::evaluation
