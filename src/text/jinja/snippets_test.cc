// Every snippet of testdata/templates/snippets.jsonl renders as Jinja2 renders it, or fails where
// Jinja2 fails (tools/make_template_testdata.py writes the expectations).
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "text/jinja/json.h"
#include "text/jinja/template.h"

namespace lathe::text::jinja {
namespace {

constexpr std::int64_t kNow = 1751619903;  // what the generator's clock shows, in UTC

Result<std::string> render(const std::string& source, const Mapping& variables) {
  RenderInput input{{}, kNow, {}};
  for (const auto& [name, value] : variables.entries())
    input.variables.emplace_back(*name.string(), value);
  LATHE_TRY(const Template parsed, Template::parse(source));
  LATHE_TRY(Rendered rendered, parsed.render(input));
  return std::move(rendered.text);
}

const std::string* text_of(const Mapping& row, std::string_view name) {
  const Value* value = row.find(name);
  return value ? value->string() : nullptr;
}

void expect_as_in_jinja2(const Mapping& row) {
  const std::string& source = *text_of(row, "template");
  SCOPED_TRACE(source);
  const auto rendered = render(source, *row.find(std::string_view("variables"))->mapping());
  if (const std::string* error = text_of(row, "error")) {
    EXPECT_FALSE(rendered.ok()) << "rendered: " << rendered.value() << "\nexpected: " << *error;
    return;
  }
  const std::string& expected = *text_of(row, "render");
  ASSERT_TRUE(rendered.ok()) << rendered.error().message() << "\nexpected: " << expected;
  EXPECT_EQ(rendered.value(), expected);
}

TEST(Snippets, RenderWhatJinja2Renders) {
  ASSERT_EQ(setenv("TZ", "UTC", 1), 0);
  std::ifstream file(std::string(LATHE_SOURCE_DIR) + "/testdata/templates/snippets.jsonl");
  ASSERT_TRUE(file.is_open());
  int count = 0;
  for (std::string line; std::getline(file, line); ++count) {
    const auto row = read_json(line);
    ASSERT_TRUE(row.ok()) << row.error().message();
    expect_as_in_jinja2(*row->mapping());
  }
  EXPECT_GT(count, 1200);
}

}  // namespace
}  // namespace lathe::text::jinja
