// Every snippet of testdata/templates/snippets.jsonl renders as Jinja2 renders it, or fails where
// Jinja2 fails (tools/make_template_testdata.py writes the expectations).
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "text/jinja/json.h"
#include "text/jinja/template.h"

namespace lathe::text::jinja {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::int64_t kNow = 1751619903;  // what the generator's clock shows

Result<std::string> render(const std::string& source, const Json& variables) {
  RenderInput input{{}, kNow, {}};
  for (const auto& [name, value] : variables.items()) {
    LATHE_TRY(Value converted, read_json(value.dump()));
    input.variables.emplace_back(name, std::move(converted));
  }
  LATHE_TRY(const Template parsed, Template::parse(source));
  LATHE_TRY(Rendered rendered, parsed.render(input));
  return std::move(rendered.text);
}

TEST(Snippets, RenderWhatJinja2Renders) {
  std::ifstream file(std::string(LATHE_SOURCE_DIR) + "/testdata/templates/snippets.jsonl");
  ASSERT_TRUE(file.is_open());
  int count = 0;
  for (std::string line; std::getline(file, line); ++count) {
    const Json row = Json::parse(line);
    const auto source = row.at("template").get<std::string>();
    SCOPED_TRACE(source);
    const auto rendered = render(source, row.at("variables"));
    if (row.contains("error")) {
      EXPECT_FALSE(rendered.ok()) << "rendered: " << rendered.value()
                                  << "\nexpected: " << row.at("error").get<std::string>();
      continue;
    }
    if (!rendered.ok()) {
      ADD_FAILURE() << rendered.error().message()
                    << "\nexpected: " << row.at("render").get<std::string>();
      continue;
    }
    EXPECT_EQ(rendered.value(), row.at("render").get<std::string>());
  }
  EXPECT_GT(count, 1000);
}

}  // namespace
}  // namespace lathe::text::jinja
