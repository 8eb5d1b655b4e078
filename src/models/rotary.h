// The cosines and sines of rotary position embeddings (times the attention factor of YaRN or
// LongRoPE), computed in each pass for its rows: a thousandth of the pass's work, where a table for
// every position of a long context would cost each start as much as its first pass. Some models
// have two sets of angles: one for layers with a window (Gemma 3), or one for long texts
// (LongRoPE). Under dynamic scaling a text longer than the model was trained with has angles of its
// own.
//
// Which angles a row gets depends on the length of its text, and that is: for the rows of a prompt
// the prompt's length, for each row drawn after it its position + 1 (what stood before it has the
// angles that it got). So a result does not depend on how a prompt is cut into passes. As
// transformers does it, where each pass sees the positions so far.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "formats/decoder_config.h"
#include "ops/ops.h"

namespace lathe::models {

// A row of a pass: where it stands, and the length of its text as above.
struct RotaryRow {
  std::size_t position = 0;
  std::size_t length = 0;
};

// What ops::rotate() takes.
struct RotaryAngles {
  ops::RotaryTable table;
  std::vector<std::int32_t> rows;  // of the table, for each row of the pass
};

class Rotary {
 public:
  // For texts of up to so many positions, with the config's theta and scaling.
  Rotary(const formats::DecoderConfig& config, std::size_t positions);

  // The angles of rows, in layers with a window or in the others: in `arena`, where they stay as
  // long as the pass's values.
  RotaryAngles angles(bool windowed, std::span<const RotaryRow> rows, tensor::Arena& arena) const;

  // Numbers the sets of angles: texts whose lengths have the same number have the same angles.
  std::size_t set_of(std::size_t length) const;
  // How many rows at the start of a text have the angles of set_of(prompt), when its prompt has so
  // many positions and `rows` are computed.
  std::size_t rows_of_one_set(std::size_t prompt, std::size_t rows) const;

 private:
  using Frequencies = std::vector<double>;  // [rotary_dim / 2]: the angle of position 1

  Frequencies frequencies(const formats::RopeConfig& rope,
                          const std::vector<float>& divisors) const;
  Frequencies dynamic_frequencies(std::size_t length) const;
  void add_row(std::size_t position, const Frequencies& frequencies, float* cosines,
               float* sines) const;

  formats::RopeConfig rope_;
  std::int64_t rotary_dim_;
  std::size_t trained_;              // positions up to which the first set holds
  bool by_length_ = false;           // angles depend on the length of the text
  bool window_set_ = false;          // the second set is for layers with a window
  std::array<Frequencies, 2> sets_;  // empty: there is none
};

}  // namespace lathe::models
