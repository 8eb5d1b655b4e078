// Numbers about answers: when one counts as right, how sure a share of right ones is, and whether
// one way of answering is better than another on the same rows. Pure functions.
//
// Sources: Wilson 1927 (interval of a share); McNemar 1947, in its exact binomial form; Efron 1979
// (bootstrap); Rajpurkar et al. 2016 (token F1).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lathe::evaluation {

struct MatchOptions {
  bool ignore_case = false;
};

// The text as it is compared: white space inside made single spaces, none at the ends, one full
// stop at the end dropped; in lower case with ignore_case.
std::string normalise(std::string_view text, const MatchOptions& options = {});

bool exact_match(std::string_view answer, std::string_view expected,
                 const MatchOptions& options = {});

// The harmonic mean of precision and recall over words, 0 to 1: lower case, ASCII signs at the ends
// of words dropped, each word counted as often as it comes. Two texts without words are alike (1).
double token_f1(std::string_view answer, std::string_view expected);

struct Interval {
  double low = 0;
  double high = 0;
};

// The 95 % score interval of `right` of `rows`; 0 to 1 without rows. REQUIRES: right <= rows.
Interval wilson(std::size_t right, std::size_t rows);

// a and b on the same rows. What both get right, or both wrong, says nothing about which is better.
struct PairedComparison {
  std::size_t only_a = 0;  // rows that a alone gets right
  std::size_t only_b = 0;
  double difference = 0;  // share of a minus share of b
  Interval interval;      // of it, 95 %, from bootstrap_difference()
  double p = 1;           // exact McNemar, two-sided
};

// REQUIRES: as many rows on both sides.
PairedComparison compare_paired(std::span<const double> a, std::span<const double> b);

// How likely a split of the rows that differ at least as uneven as this is, were both as good:
// 2 · P(X <= min) with X ~ Binomial(only_a + only_b, 1/2), at most 1.
double mcnemar_p(std::size_t only_a, std::size_t only_b);

// The 95 % percentile interval of mean(a) - mean(b) over resampled rows. Deterministic by seed.
// REQUIRES: as many rows on both sides.
Interval bootstrap_difference(std::span<const double> a, std::span<const double> b,
                              std::uint64_t seed = 1, std::size_t samples = 2000);

double mean(std::span<const double> values);  // 0 without values
// The value below which that share of the values lies, between neighbours in proportion (R's type
// 7); 0 without values. REQUIRES: 0 <= share <= 1.
double quantile(std::span<const double> values, double share);
inline double median(std::span<const double> values) { return quantile(values, 0.5); }

}  // namespace lathe::evaluation
