#include "models/rotary.h"

#include <algorithm>
#include <cmath>

namespace lathe::models {
namespace {

using formats::RopeScaling;

// Up to which length of a text the first set of angles holds.
std::size_t trained_length(const formats::DecoderConfig& config) {
  const RopeScaling& s = config.rope.scaling;
  return static_cast<std::size_t>(s.kind == RopeScaling::Kind::longrope ? s.original_positions
                                                                        : config.max_positions);
}

std::vector<double> frequencies_of(double theta, std::int64_t exponent_dim,
                                   std::span<const float> divisors) {
  std::vector<double> frequencies;
  for (std::size_t i = 0; i < divisors.size(); ++i) {
    const double exponent = -2.0 * static_cast<double>(i) / static_cast<double>(exponent_dim);
    frequencies.push_back(std::pow(theta, exponent) / divisors[i]);
  }
  return frequencies;
}

}  // namespace

Rotary::Rotary(const formats::DecoderConfig& config, std::size_t positions)
    : rope_(config.rope),
      rotary_dim_(formats::rotary_dim_of(config)),
      trained_(trained_length(config)),
      positions_(positions),
      window_set_(config.window_rope.has_value()) {
  if (config.positions != formats::PositionKind::rotary) return;
  const RopeScaling::Kind kind = config.rope.scaling.kind;
  by_length_ = kind == RopeScaling::Kind::longrope ||
               (kind == RopeScaling::Kind::dynamic && positions > trained_);
  if (kind == RopeScaling::Kind::dynamic) positions_ = std::min(positions, trained_);
  add_set(config.rope, formats::rope_divisors(config.rope, rotary_dim_));
  if (config.window_rope) {
    add_set(*config.window_rope, formats::rope_divisors(*config.window_rope, rotary_dim_));
  } else if (kind == RopeScaling::Kind::longrope) {
    add_set(config.rope, config.rope.scaling.long_factors);
  }
}

void Rotary::add_set(const formats::RopeConfig& rope, const std::vector<float>& divisors) {
  const std::size_t half = divisors.size();
  std::size_t at = sets_++ * positions_ * half;
  cosines_.resize(sets_ * positions_ * half);
  sines_.resize(sets_ * positions_ * half);
  const std::vector<double> frequencies =
      frequencies_of(rope.theta, formats::exponent_dim_of(rope, rotary_dim_), divisors);
  for (std::size_t p = 0; p < positions_; ++p, at += half)
    add_row(p, frequencies, cosines_.data() + at, sines_.data() + at);
}

void Rotary::add_row(std::size_t position, std::span<const double> frequencies, float* cosines,
                     float* sines) const {
  const double sharper = rope_.scaling.attention_factor;
  for (std::size_t i = 0; i < frequencies.size(); ++i) {
    const double angle = static_cast<double>(position) * frequencies[i];
    cosines[i] = static_cast<float>(sharper * std::cos(angle));
    sines[i] = static_cast<float>(sharper * std::sin(angle));
  }
}

std::size_t Rotary::set_of(std::size_t length) const {
  if (!by_length_ || length <= trained_) return 0;
  return rope_.scaling.kind == RopeScaling::Kind::longrope ? 1 : length;
}

std::size_t Rotary::rows_of_one_set(std::size_t prompt, std::size_t rows) const {
  if (!by_length_ || rows <= prompt) return rows;
  if (prompt <= trained_) return std::min(rows, trained_);
  return rope_.scaling.kind == RopeScaling::Kind::longrope ? rows : prompt;
}

RotaryAngles Rotary::angles(bool windowed, std::span<const RotaryRow> rows,
                            tensor::Arena& arena) const {
  const bool beyond = std::any_of(rows.begin(), rows.end(),
                                  [&](const RotaryRow& row) { return set_of(row.length) > 0; });
  if (beyond && rope_.scaling.kind == RopeScaling::Kind::dynamic)
    return dynamic_angles(rows, arena);
  RotaryAngles angles{{cosines_.data(), sines_.data(), sets_ * positions_}, {}};
  for (const RotaryRow& row : rows) {
    const bool second = window_set_ ? windowed : set_of(row.length) > 0;
    angles.rows.push_back(static_cast<std::int32_t>(row.position + (second ? positions_ : 0)));
  }
  return angles;
}

std::vector<double> Rotary::dynamic_frequencies(std::size_t length) const {
  const double theta =
      formats::dynamic_theta(rope_, rotary_dim_, static_cast<std::int64_t>(trained_),
                             static_cast<std::int64_t>(std::max(length, trained_)));
  const std::vector<float> ones(static_cast<std::size_t>(rotary_dim_ / 2), 1.0f);
  return frequencies_of(theta, formats::exponent_dim_of(rope_, rotary_dim_), ones);
}

// A table with a row for each row of the pass. Rows of one length stand together as a rule.
RotaryAngles Rotary::dynamic_angles(std::span<const RotaryRow> rows, tensor::Arena& arena) const {
  const auto half = static_cast<std::size_t>(rotary_dim_ / 2);
  float* cosines = arena.floats(rows.size() * half);
  float* sines = arena.floats(rows.size() * half);
  RotaryAngles angles{{cosines, sines, rows.size()}, {}};
  std::vector<double> frequencies;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i == 0 || rows[i].length != rows[i - 1].length)
      frequencies = dynamic_frequencies(rows[i].length);
    add_row(rows[i].position, frequencies, cosines + i * half, sines + i * half);
    angles.rows.push_back(static_cast<std::int32_t>(i));
  }
  return angles;
}

}  // namespace lathe::models
