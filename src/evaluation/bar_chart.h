// A chart of shares as inline SVG: groups of horizontal bars, each with its 95 % interval. Colours
// come from the page's CSS variables (--c0, --c1, …, --ink, --line). Pure function.
#pragma once

#include <string>
#include <vector>

#include "evaluation/metrics.h"

namespace lathe::evaluation {

struct Bar {
  std::string label;  // plain text
  double share = 0;   // 0 to 1
  Interval interval;
  std::string note;     // shown when the pointer rests on it: "42 of 99"
  std::size_t row = 0;  // picks the colour
  bool marked = false;  // stands out
};

struct BarGroup {
  std::string title;
  std::vector<Bar> bars;
};

std::string bar_chart(const std::vector<BarGroup>& groups);

}  // namespace lathe::evaluation
