#include "models/pooling.h"

#include <algorithm>
#include <cmath>

namespace lathe::models {
namespace {

std::vector<float> copy_of(const ops::Value& states, std::size_t row) {
  return {states.row(row), states.row(row) + states.columns};
}

std::vector<float> mean_of(const ops::Value& states, const ops::SequenceRows& text) {
  std::vector<double> sums(states.columns, 0);
  for (std::size_t row = text.first; row < text.last; ++row) {
    for (std::size_t i = 0; i < states.columns; ++i) sums[i] += states.row(row)[i];
  }
  std::vector<float> mean;
  mean.reserve(sums.size());
  for (const double sum : sums)
    mean.push_back(static_cast<float>(sum / static_cast<double>(text.last - text.first)));
  return mean;
}

std::vector<float> greatest_of(const ops::Value& states, const ops::SequenceRows& text) {
  std::vector<float> greatest = copy_of(states, text.first);
  for (std::size_t row = text.first + 1; row < text.last; ++row) {
    for (std::size_t i = 0; i < states.columns; ++i)
      greatest[i] = std::max(greatest[i], states.row(row)[i]);
  }
  return greatest;
}

}  // namespace

std::vector<float> pool(formats::Pooling pooling, const ops::Value& states,
                        const ops::SequenceRows& text) {
  LATHE_ASSERT(text.first < text.last && text.last <= states.rows);
  switch (pooling) {
    case formats::Pooling::cls:
      return copy_of(states, text.first);
    case formats::Pooling::last:
      return copy_of(states, text.last - 1);
    case formats::Pooling::max:
      return greatest_of(states, text);
    case formats::Pooling::mean:
      break;
  }
  return mean_of(states, text);
}

void normalise(std::vector<float>& vector) {
  constexpr double kLeast = 1e-12;
  double squares = 0;
  for (const float x : vector) squares += static_cast<double>(x) * x;
  const double length = std::max(std::sqrt(squares), kLeast);
  for (float& x : vector) x = static_cast<float>(x / length);
}

}  // namespace lathe::models
