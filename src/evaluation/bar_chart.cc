#include "evaluation/bar_chart.h"

#include <fmt/format.h>

#include <algorithm>

#include "evaluation/html_report.h"

namespace lathe::evaluation {
namespace {

// Measures in SVG units; the page scales the whole.
constexpr double kWidth = 860;
constexpr double kLeft = 170;   // where bars begin
constexpr double kRight = 800;  // where 100 % is
constexpr double kBar = 16;     // height
constexpr double kStep = 26;    // from bar to bar
constexpr double kTitle = 34;   // height of a group's title
constexpr double kAxis = 24;    // height of the scale below
constexpr std::size_t kColours = 7;

double x_of(double share) { return kLeft + share * (kRight - kLeft); }

std::string grid(double bottom) {
  std::string svg;
  for (int percent = 0; percent <= 100; percent += 20) {
    const double x = x_of(percent / 100.0);
    svg += fmt::format(
        "<line class=\"grid\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"8\" y2=\"{1:.1f}\"/>"
        "<text class=\"tick\" x=\"{0:.1f}\" y=\"{2:.1f}\" text-anchor=\"middle\">{3} %</text>\n",
        x, bottom, bottom + 16, percent);
  }
  return svg;
}

std::string bar_svg(const Bar& bar, double y) {
  const double middle = y + kBar / 2;
  const double low = x_of(bar.interval.low), high = x_of(bar.interval.high);
  std::string svg = fmt::format(
      "<g><title>{}</title><text class=\"name{}\" x=\"{:.1f}\" y=\"{:.1f}\" "
      "text-anchor=\"end\">{}</text>",
      escape_html(bar.note), bar.marked ? " marked" : "", kLeft - 10, middle + 4.5,
      escape_html(bar.label));
  svg += fmt::format(
      "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{}\" rx=\"2\" "
      "style=\"fill:var(--c{})\"/>",
      kLeft, y, x_of(bar.share) - kLeft, kBar, bar.row % kColours);
  svg += fmt::format(
      "<path class=\"whisker\" d=\"M{0:.1f} {2:.1f}H{1:.1f}M{0:.1f} {3:.1f}v8M{1:.1f} "
      "{3:.1f}v8\"/>",
      low, high, middle, middle - 4);
  svg += fmt::format("<text class=\"value\" x=\"{:.1f}\" y=\"{:.1f}\">{:.0f} %</text></g>\n",
                     std::max(high, x_of(bar.share)) + 8, middle + 4.5, 100 * bar.share);
  return svg;
}

}  // namespace

std::string bar_chart(const std::vector<BarGroup>& groups) {
  std::string body;
  double y = 4;
  for (const BarGroup& group : groups) {
    body += fmt::format("<text class=\"group\" x=\"0\" y=\"{:.1f}\">{}</text>\n", y + 20,
                        escape_html(group.title));
    y += kTitle;
    for (const Bar& bar : group.bars) {
      body += bar_svg(bar, y);
      y += kStep;
    }
  }
  return fmt::format(
             "<svg class=\"chart\" viewBox=\"0 0 {} {:.0f}\" role=\"img\" aria-label=\"Share of "
             "right answers by way, with 95 % intervals\">\n",
             kWidth, y + kAxis) +
         grid(y) + body + "</svg>\n";
}

}  // namespace lathe::evaluation
