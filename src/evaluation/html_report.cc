#include "evaluation/html_report.h"

#include <fmt/format.h>

#include "evaluation/bar_chart.h"
#include "evaluation/report_text.h"
#include "text/utf8.h"

namespace lathe::evaluation {
namespace {

constexpr std::size_t kExamples = 4;    // shown of each way's right answers, and of its wrong ones
constexpr std::size_t kLongText = 400;  // bytes of an example's text that are shown

constexpr std::string_view kHead = R"html(<meta name="viewport" content="width=device-width">
<style>
:root{--ink:#1d2433;--soft:#5b6577;--line:#d9dee8;--page:#f6f7fa;--card:#fff;--good:#1f7a4d;
--bad:#b3372f;--accent:#2456c8;--c0:#9aa4b5;--c1:#d99a2b;--c2:#2f8fb8;--c3:#a06cc4;--c4:#3a9d6b;
--c5:#2456c8;--c6:#c2476f}
@media(prefers-color-scheme:dark){:root{--ink:#e6e9f0;--soft:#9aa5b8;--line:#313a4b;--page:#12161f;
--card:#1a202c;--good:#5cc492;--bad:#ef8279;--accent:#86a8f5;--c0:#7c879b;--c5:#5d88ee}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.55 system-ui,sans-serif}
main{max-width:1000px;margin:0 auto;padding:40px 20px 60px}
h1{font-size:26px;margin:0 0 4px;letter-spacing:-.01em}
h2{font-size:17px;margin:34px 0 10px}
p{margin:6px 0}
.soft{color:var(--soft)}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:16px 20px}
.advice{border-left:5px solid var(--accent);margin-top:22px}
.advice b{color:var(--accent);font-size:18px}
.warn{border-left:5px solid var(--c1);margin-top:14px}
.warn p{margin:2px 0}
.scroll{overflow-x:auto;padding:4px 0}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:7px 12px;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap;
vertical-align:top}
th:first-child,td:first-child{text-align:left}
th{font-weight:600;color:var(--soft);font-size:13px}
tr:last-child td{border-bottom:0}
tr.chosen td{background:color-mix(in srgb,var(--accent) 9%,transparent)}
td small{display:block;color:var(--soft);font-size:12px}
.chart{width:100%;height:auto;display:block}
.chart text{fill:var(--ink);font:13px system-ui,sans-serif}
.chart .group{font-weight:600}
.chart .marked{font-weight:700;fill:var(--accent)}
.chart .tick{fill:var(--soft);font-size:11px}
.chart .grid{stroke:var(--line);stroke-width:1}
.chart .whisker{stroke:var(--ink);stroke-width:1.4;fill:none;opacity:.75}
details{margin:8px 0}
summary{cursor:pointer;font-weight:600}
.examples td{white-space:normal;text-align:left;overflow-wrap:anywhere}
.examples th{text-align:left}
.right{color:var(--good);font-weight:600}
.wrong{color:var(--bad);font-weight:600}
dl{display:grid;grid-template-columns:max-content 1fr;gap:4px 20px;margin:0}
dt{color:var(--soft)}dd{margin:0}
@media print{body{background:#fff}.card{break-inside:avoid}}
</style>
)html";

bool is_chosen(const Comparison& comparison, const WayResult& way) {
  return comparison.recommendation && comparison.recommendation->way == way.way;
}

Bar bar_of(const Comparison& comparison, const WayResult& way, const Score& score) {
  Bar bar;
  bar.label = to_string(way.way);
  bar.share = score.accuracy;
  bar.interval = score.interval;
  bar.note = fmt::format("{}: {} of {} right, 95 % interval {}", bar.label, score.right, score.rows,
                         interval_text(score.interval));
  bar.row = static_cast<std::size_t>(way.way);
  bar.marked = is_chosen(comparison, way);
  return bar;
}

std::string chart(const Comparison& comparison) {
  std::vector<BarGroup> groups{{"all: " + count_text(comparison.test_rows, "test row"), {}}};
  for (const WayResult& way : comparison.ways) {
    if (!way.error) groups[0].bars.push_back(bar_of(comparison, way, way.evaluation.overall));
  }
  for (const TagValue& tag : tag_values(comparison)) {
    BarGroup group;
    std::size_t rows = 0;
    for (const WayResult& way : comparison.ways) {
      if (const Score* score = score_of(way, tag)) {
        group.bars.push_back(bar_of(comparison, way, *score));
        rows = score->rows;
      }
    }
    group.title = fmt::format("{}: {} ({})", tag.tag, tag.value, count_text(rows, "row"));
    groups.push_back(std::move(group));
  }
  return "<h2>Right answers</h2><div class=\"card\">" + bar_chart(groups) + "</div>\n";
}

std::string cell(std::string_view text, std::string_view below = {}) {
  std::string html = "<td>" + escape_html(text);
  if (!below.empty()) html += "<small>" + escape_html(below) + "</small>";
  return html + "</td>";
}

std::string table_row(const Comparison& comparison, const WayResult& way,
                      const std::vector<TagValue>& tags) {
  std::string html = is_chosen(comparison, way) ? "<tr class=\"chosen\">" : "<tr>";
  html += cell(to_string(way.way), describe(way.way));
  if (way.error) {
    return html + fmt::format("<td colspan=\"{}\">not tried: {}</td></tr>\n", 7 + tags.size(),
                              escape_html(way.error->message()));
  }
  const Evaluation& e = way.evaluation;
  html += cell(percent_text(e.overall.accuracy), interval_text(e.overall.interval));
  for (const TagValue& tag : tags) {
    const Score* score = score_of(way, tag);
    html += score == nullptr ? cell("–")
                             : cell(percent_text(score->accuracy), interval_text(score->interval));
  }
  html +=
      cell(fmt::format("{:.0f}", e.prompt_tokens)) + cell(fmt::format("{:.1f}", e.answer_tokens));
  html += e.latency.rows == 0
              ? cell("–")
              : cell(seconds_text(e.latency.median), "90 %: " + seconds_text(e.latency.p90));
  if (way.training) {
    html += cell(seconds_text(way.training->seconds),
                 count_text(static_cast<std::size_t>(way.training->steps), "step")) +
            cell(bytes_text(way.training->peak_bytes));
  } else {
    html += cell("–") + cell("–");
  }
  return html + cell(way.adaptations.empty() ? "–" : bytes_text(way.artefact_bytes)) + "</tr>\n";
}

std::string table(const Comparison& comparison) {
  const std::vector<TagValue> tags = tag_values(comparison);
  std::string html =
      "<h2>Numbers</h2><div class=\"card scroll\"><table><thead><tr><th>way</th><th>right</th>";
  for (const TagValue& tag : tags) html += "<th>" + escape_html(tag.value) + "</th>";
  html +=
      "<th>prompt tokens</th><th>answer tokens</th><th>latency</th><th>training</th>"
      "<th>training memory</th><th>artefacts</th></tr></thead><tbody>\n";
  for (const WayResult& way : comparison.ways) html += table_row(comparison, way, tags);
  html += "</tbody></table></div>\n<p class=\"soft\">";
  html += fmt::format(
      "Right: equal to the expected answer after trimming, joining white space and dropping a "
      "final "
      "full stop{}; below it the 95 % Wilson interval. Tokens are means. Latency: median time from "
      "the conversation to the whole answer, of rows that ran alone. Training memory: activations, "
      "gradients, optimizer state and the weights in 32 bits.",
      comparison.options.evaluate.match.ignore_case ? ", without regard to letter case" : "");
  return html + "</p>\n";
}

std::string shorten(const std::string& text) {
  if (text.size() <= kLongText) return text;
  std::size_t end = kLongText;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + " … (shortened here)";
}

std::string example_row(const RowResult& row) {
  std::string answer = row.error ? row.error->message() : row.answer;
  if (row.cut) answer += " … (cut off)";
  std::string sources;
  for (const std::string& source : row.sources) sources += (sources.empty() ? "" : ", ") + source;
  if (!sources.empty()) sources = "read: " + sources;
  return "<tr>" + cell(fmt::format("{}", row.line)) + cell(shorten(row.question), sources) +
         cell(shorten(row.expected)) +
         fmt::format("<td class=\"{}\">{}</td></tr>\n", row.right ? "right" : "wrong",
                     escape_html(shorten(answer)));
}

std::string examples_of(const WayResult& way) {
  std::string right, wrong;
  std::size_t rights = 0, wrongs = 0;
  for (const RowResult& row : way.evaluation.rows) {
    if (row.right && rights < kExamples) right += example_row(row), ++rights;
    if (!row.right && wrongs < kExamples) wrong += example_row(row), ++wrongs;
  }
  return fmt::format(
      "<details class=\"card\"><summary>{}: {} right, {} wrong</summary><div class=\"scroll\">"
      "<table class=\"examples\"><thead><tr><th>line</th><th>question</th><th>expected</th>"
      "<th>answer</th></tr></thead><tbody>\n{}{}</tbody></table></div></details>\n",
      to_string(way.way), way.evaluation.overall.right,
      way.evaluation.overall.rows - way.evaluation.overall.right, wrong, right);
}

std::string examples(const Comparison& comparison) {
  std::string html = fmt::format(
      "<h2>Answers</h2><p class=\"soft\">The first {} wrong and the first {} right ones of each "
      "way.</p>\n",
      kExamples, kExamples);
  for (const WayResult& way : comparison.ways) {
    if (!way.error) html += examples_of(way);
  }
  return html;
}

std::string tuning_text(const training::TuneOptions& tune) {
  std::string text = fmt::format("{} epochs, {} rows a step", tune.epochs, tune.batch_rows);
  if (tune.method == training::TuneMethod::prompt) {
    return text + fmt::format(", {} virtual tokens", tune.virtual_tokens);
  }
  std::string modules;
  for (const std::string& module : tune.lora.target_modules) {
    modules += (modules.empty() ? "" : ", ") + module;
  }
  return text + fmt::format(", rank {}, alpha {}, on {}", tune.lora.rank, tune.lora.alpha, modules);
}

// What the number and length of passages were chosen from.
std::string readings_text(const Comparison& comparison) {
  std::string text = "chosen on training rows: ";
  for (const ReadingTrial& trial : comparison.readings) {
    if (&trial != &comparison.readings.front()) text += "; ";
    text += fmt::format("{} of {} words {} of {} right", trial.reading.passages,
                        trial.reading.chunk_words, trial.right, trial.rows);
  }
  return text;
}

std::string settings(const Comparison& comparison) {
  const CompareOptions& o = comparison.options;
  const auto entry = [](std::string_view name, const std::string& value) {
    return fmt::format("<dt>{}</dt><dd>{}</dd>", name, escape_html(value));
  };
  std::string html = "<h2>Settings</h2><div class=\"card\"><dl>";
  html += entry("model", comparison.model);
  html += entry("rows", fmt::format("{} for training, {} for testing", comparison.training_rows,
                                    comparison.test_rows));
  if (comparison.documents > 0) {
    html +=
        entry("documents",
              fmt::format("{}, cut into {} passages of about {} words; {} in a prompt",
                          comparison.documents, comparison.passages, o.chunking.words, o.passages));
  }
  if (!comparison.readings.empty()) html += entry("retrieval reads", readings_text(comparison));
  html += entry("few-shot", fmt::format("{} examples, the most alike by BM25", o.shots));
  html += entry("prompt tuning", tuning_text(o.prompt_tuning));
  html += entry("LoRA", tuning_text(o.lora));
  html += entry("answers", fmt::format("greedy, at most {} tokens", o.evaluate.max_tokens));
  html += entry("whole comparison", seconds_text(comparison.seconds));
  return html + "</dl></div>\n";
}

std::string advice(const Comparison& comparison) {
  if (!comparison.recommendation) {
    return "<div class=\"card advice\"><b>No way could be tried.</b></div>\n";
  }
  return fmt::format("<div class=\"card advice\"><b>Take {}.</b><p>{}</p></div>\n",
                     to_string(comparison.recommendation->way),
                     escape_html(comparison.recommendation->reason));
}

std::string warning_card(const Comparison& comparison) {
  const std::vector<std::string> found = warnings(comparison);
  if (found.empty()) return {};
  std::string html = "<div class=\"card warn\">";
  for (const std::string& warning : found) html += "<p>" + escape_html(warning) + "</p>";
  return html + "</div>\n";
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string html;
  html.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const text::Utf8Step step = text::utf8_step(text.substr(at));
    const std::string_view bytes = text.substr(at, step.length);
    at += step.length;
    const bool is_control = bytes.size() == 1 && static_cast<unsigned char>(bytes[0]) < 0x20 &&
                            bytes != "\n" && bytes != "\t" && bytes != "\r";
    if (step.kind != text::Utf8Step::Kind::character || is_control) {
      html += "\xEF\xBF\xBD";
    } else if (bytes == "&") {
      html += "&amp;";
    } else if (bytes == "<") {
      html += "&lt;";
    } else if (bytes == ">") {
      html += "&gt;";
    } else if (bytes == "\"") {
      html += "&quot;";
    } else if (bytes == "'") {
      html += "&#39;";
    } else {
      html += bytes;
    }
  }
  return html;
}

std::string html_report(const Comparison& comparison) {
  std::string html = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n<title>" +
                     escape_html(comparison.model) + ": ways of adapting, compared</title>\n";
  html += kHead;
  html += "</head><body><main>\n<h1>Ways of adapting " + escape_html(comparison.model) + "</h1>\n";
  html += fmt::format("<p class=\"soft\">{} on the same {}.</p>\n",
                      count_text(comparison.ways.size(), "way"),
                      count_text(comparison.test_rows, "test row"));
  html += advice(comparison) + warning_card(comparison);
  html += chart(comparison) + table(comparison) + examples(comparison) + settings(comparison);
  return html + "</main></body></html>\n";
}

}  // namespace lathe::evaluation
