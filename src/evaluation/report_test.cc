#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <regex>

#include "evaluation/html_report.h"
#include "evaluation/report_json.h"
#include "evaluation/report_text.h"

namespace lathe::evaluation {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

Comparison example() {
  Comparison comparison;
  comparison.model = "tiny<script>alert('x')</script>&";
  comparison.test_rows = 2;
  comparison.training_rows = 5;
  comparison.documents = 1;
  comparison.leaked_rows = 1;
  RowResult right, wrong;
  right.line = 1;
  right.question = "When?\x01";
  right.expected = right.answer = "at <nine> & \"ten\"";
  right.right = true;
  right.prompt_tokens = 11;
  right.sources = {"gate.md#0"};
  right.tags = {{"task", "facts"}};
  wrong.line = 2;
  wrong.question = std::string(900, 'q');
  wrong.expected = "x";
  wrong.answer = "not UTF-8: \xff";
  wrong.cut = true;
  wrong.prompt_tokens = 21;
  wrong.tags = {{"task", "classify"}};
  WayResult way;
  way.way = Way::lora_retrieval;
  way.evaluation = summarise({right, wrong});
  way.evaluation.latency = {2, 0.0123, 0.02};
  way.training = TrainingCost{.seconds = 75, .peak_bytes = 12'300'000};
  way.adaptations = {{tasks::AdaptationSource::Kind::lora, "lora", "out/lora"}};
  way.artefact_bytes = 4200;
  WayResult failed;
  failed.way = Way::few_shot;
  failed.error = Error::limit("the <prompt> is too long");
  comparison.ways = {failed, way};
  comparison.recommendation = Recommendation{Way::lora_retrieval, "It is a < b."};
  return comparison;
}

// Every element that is opened is closed, in order.
std::string unbalanced(const std::string& html) {
  std::vector<std::string> open;
  const std::regex tag("<(/?)([a-z0-9]+)((?:\"[^\"]*\"|[^\">])*)>");
  for (std::sregex_iterator at(html.begin(), html.end(), tag), end; at != end; ++at) {
    const std::string name = (*at)[2], rest = (*at)[3];
    if (name == "meta" || (!rest.empty() && rest.back() == '/')) continue;
    if ((*at)[1].length() == 0) {
      open.push_back(name);
    } else if (open.empty() || open.back() != name) {
      return "</" + name + "> at " + std::to_string(at->position());
    } else {
      open.pop_back();
    }
  }
  return open.empty() ? "" : "<" + open.back() + ">";
}

TEST(HtmlReportTest, IsOneWholePageThatLoadsNothing) {
  const std::string html = html_report(example());
  EXPECT_EQ(unbalanced(html), "");
  EXPECT_THAT(html, Not(HasSubstr("http")));
  EXPECT_THAT(html, Not(HasSubstr("src=")));
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_THAT(html, Not(HasSubstr("@import")));
}

TEST(HtmlReportTest, SaysWhatWasMeasured) {
  const std::string html = html_report(example());
  for (const char* text :
       {"Take lora+retrieval.", "It is a &lt; b.", "50.0 %", "task: facts (1 row)", "12.3 ms",
        "1 min 15 s", "12.3 MB", "4.2 KB", "read: gate.md#0", "(cut off)", "(shortened here)",
        "not tried: the &lt;prompt&gt; is too long", "stands among the training rows"}) {
    EXPECT_THAT(html, HasSubstr(text));
  }
}

TEST(HtmlReportTest, EscapesWhatComesFromOutside) {
  const std::string html = html_report(example());
  EXPECT_THAT(html, HasSubstr("tiny&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;"));
  EXPECT_THAT(html, HasSubstr("at &lt;nine&gt; &amp; &quot;ten&quot;"));
  EXPECT_THAT(html, HasSubstr("not UTF-8: \xEF\xBF\xBD"));
  EXPECT_THAT(html, HasSubstr("When?\xEF\xBF\xBD"));
  EXPECT_EQ(escape_html("é\n<"), "é\n&lt;");
}

TEST(HtmlReportTest, SurvivesAComparisonInWhichNothingWorked) {
  Comparison comparison = example();
  comparison.ways.pop_back();
  comparison.recommendation.reset();
  const std::string html = html_report(comparison);
  EXPECT_EQ(unbalanced(html), "");
  EXPECT_THAT(html, HasSubstr("No way could be tried"));
}

TEST(JsonReportTest, HoldsEveryNumber) {
  const auto json = nlohmann::json::parse(to_json(example()));
  EXPECT_EQ(json["test_rows"], 2);
  EXPECT_EQ(json["ways"][0]["error"], "the <prompt> is too long");
  const auto& way = json["ways"][1];
  EXPECT_EQ(way["way"], "lora+retrieval");
  EXPECT_EQ(way["accuracy"], 0.5);
  EXPECT_EQ(way["right"], 1);
  EXPECT_EQ(way["by_tag"]["task"]["facts"]["accuracy"], 1.0);
  EXPECT_EQ(way["prompt_tokens"], 16.0);
  EXPECT_EQ(way["latency"]["p90"], 0.02);
  EXPECT_EQ(way["training"]["peak_bytes"], 12'300'000);
  EXPECT_EQ(way["artefact_bytes"], 4200);
  EXPECT_EQ(way["adaptations"][0]["path"], "out/lora");
  EXPECT_EQ(json["recommendation"]["way"], "lora+retrieval");
  const auto evaluation = nlohmann::json::parse(to_json(example().ways[1].evaluation));
  EXPECT_EQ(evaluation["results"][0]["answer"], "at <nine> & \"ten\"");
  EXPECT_EQ(evaluation["results"][1]["right"], false);
}

TEST(ReportTextTest, WritesNumbersForPeople) {
  EXPECT_EQ(percent_text(0.8484), "84.8 %");
  EXPECT_EQ(seconds_text(0.00042), "420 µs");
  EXPECT_EQ(seconds_text(4.561), "4.56 s");
  EXPECT_EQ(seconds_text(185), "3 min 05 s");
  EXPECT_EQ(bytes_text(812), "812 B");
  EXPECT_EQ(bytes_text(42'100), "42.1 KB");
}

TEST(ReportTextTest, WarnsOfWhatAReaderMustKnow) {
  EXPECT_THAT(warnings(example()),
              ElementsAre(HasSubstr("among the training rows"), HasSubstr("not tried"),
                          HasSubstr("1 answer cut off at 24 tokens")));
}

}  // namespace
}  // namespace lathe::evaluation
