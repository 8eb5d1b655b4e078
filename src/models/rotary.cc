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
      window_set_(config.window_rope.has_value()) {
  if (config.positions != formats::PositionKind::rotary) return;
  const RopeScaling::Kind kind = config.rope.scaling.kind;
  by_length_ = kind == RopeScaling::Kind::longrope ||
               (kind == RopeScaling::Kind::dynamic && positions > trained_);
  sets_[0] = frequencies(config.rope, formats::rope_divisors(config.rope, rotary_dim_));
  if (config.window_rope) {
    sets_[1] =
        frequencies(*config.window_rope, formats::rope_divisors(*config.window_rope, rotary_dim_));
  } else if (kind == RopeScaling::Kind::longrope) {
    sets_[1] = frequencies(config.rope, config.rope.scaling.long_factors);
  }
}

Rotary::Frequencies Rotary::frequencies(const formats::RopeConfig& rope,
                                        const std::vector<float>& divisors) const {
  return frequencies_of(rope.theta, formats::exponent_dim_of(rope, rotary_dim_), divisors);
}

void Rotary::add_row(std::size_t position, const Frequencies& frequencies, float* cosines,
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

Rotary::Frequencies Rotary::dynamic_frequencies(std::size_t length) const {
  const double theta =
      formats::dynamic_theta(rope_, rotary_dim_, static_cast<std::int64_t>(trained_),
                             static_cast<std::int64_t>(std::max(length, trained_)));
  const std::vector<float> ones(static_cast<std::size_t>(rotary_dim_ / 2), 1.0f);
  return frequencies_of(theta, formats::exponent_dim_of(rope_, rotary_dim_), ones);
}

// Under dynamic scaling rows of one length stand together as a rule.
RotaryAngles Rotary::angles(bool windowed, std::span<const RotaryRow> rows,
                            tensor::Arena& arena) const {
  const bool is_dynamic = rope_.scaling.kind == RopeScaling::Kind::dynamic;
  const std::size_t half = sets_[0].size();
  float* cosines = arena.floats(rows.size() * half);
  float* sines = arena.floats(rows.size() * half);
  RotaryAngles angles{{cosines, sines, rows.size()}, {}};
  Frequencies own;  // of the text of length `of`
  std::size_t of = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::size_t set = set_of(rows[i].length);
    if (is_dynamic && set > 0 && of != rows[i].length)
      own = dynamic_frequencies(of = rows[i].length);
    const bool second = window_set_ ? windowed : set > 0;
    const Frequencies& used = is_dynamic && set > 0 ? own : sets_[second ? 1 : 0];
    add_row(rows[i].position, used, cosines + i * half, sines + i * half);
    angles.rows.push_back(static_cast<std::int32_t>(i));
  }
  return angles;
}

}  // namespace lathe::models
