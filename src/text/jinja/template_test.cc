// What Jinja2 cannot show: our limits, our errors' places, and the spans of generation blocks.
#include "text/jinja/template.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

namespace lathe::text::jinja {
namespace {

constexpr std::int64_t kRenderTime = 1751619903;

Result<std::string> render(const std::string& source, Limits limits = {}) {
  const RenderInput input{{}, kRenderTime, limits};
  LATHE_TRY(const Template parsed, Template::parse(source));
  LATHE_TRY(Rendered rendered, parsed.render(input));
  return std::move(rendered.text);
}

std::string repeat(const std::string& text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

void expect_error(const std::string& source, ErrorKind kind, const std::string& where,
                  const std::string& what) {
  SCOPED_TRACE(source.substr(0, 100));
  const auto rendered = render(source);
  ASSERT_FALSE(rendered.ok());
  EXPECT_EQ(rendered.error().kind, kind) << rendered.error().message();
  if (!where.empty()) {
    EXPECT_EQ(rendered.error().where, where);
  }
  EXPECT_NE(rendered.error().what.find(what), std::string::npos) << rendered.error().message();
}

TEST(Template, ErrorsNameTheLine) {
  expect_error("a\n{{ 1 +\n }}", ErrorKind::bad_input, "line 3", "found '}}'");
  expect_error("a\n\n{{ x.y }}", ErrorKind::bad_input, "line 3", "'x' is undefined");
  expect_error("{% for i in [1] %}\n\n{{ raise_exception('no ' ~ i) }}{% endfor %}",
               ErrorKind::bad_input, "line 3", "no 1");
  expect_error("{% macro f() %}\n{{ 1 / 0 }}{% endmacro %}\n\n{{ f() }}", ErrorKind::bad_input,
               "line 2", "division by zero");
  expect_error("\n{% if true %}", ErrorKind::bad_input, "line 2", "not closed");
  expect_error("\n{# x", ErrorKind::bad_input, "line 2", "not closed");
  expect_error("\n{% include 'a' %}", ErrorKind::unsupported, "line 2", "include");
  expect_error("\n\n{{ 99999999999999999999 }}", ErrorKind::unsupported, "line 3", "64 bits");
}

TEST(Template, NamesWhatIsNotThere) {
  expect_error("{{ {'a': 1}.b.c }}", ErrorKind::bad_input, "line 1",
               "'dict object' has no attribute 'b'");
  expect_error("{{ [].append(1) }}", ErrorKind::bad_input, "line 1", "may not change");
  expect_error("{{ 1 | shout }}", ErrorKind::bad_input, "line 1", "no filter named 'shout'");
  expect_error("{{ 1 is loud }}", ErrorKind::bad_input, "line 1", "no test named 'loud'");
  expect_error("{% shout %}", ErrorKind::bad_input, "line 1", "unknown tag 'shout'");
}

TEST(Template, DepthOfTheSourceIsBounded) {
  const int deep = 100'000;
  expect_error("{{ " + repeat("(", deep) + "1" + repeat(")", deep) + " }}", ErrorKind::limit,
               "line 1", "levels");
  expect_error("{{ " + repeat("[", deep) + repeat("]", deep) + " }}", ErrorKind::limit, "line 1",
               "levels");
  expect_error("{{ " + repeat("not ", deep) + "1 }}", ErrorKind::limit, "line 1", "levels");
  expect_error("{{ " + repeat("-", deep) + "1 }}", ErrorKind::limit, "line 1", "levels");
  expect_error("{{ 1" + repeat("+1", deep) + " }}", ErrorKind::limit, "line 1", "levels");
  expect_error("{{ x" + repeat(".a", deep) + " }}", ErrorKind::limit, "line 1", "levels");
  expect_error("{{ x" + repeat("|a", deep) + " }}", ErrorKind::limit, "line 1", "levels");
  expect_error("{{ 1" + repeat(" if 1 else 2", deep / 2) + " }}", ErrorKind::limit, "line 1",
               "levels");
  expect_error(repeat("{% if 1 %}", 20'000), ErrorKind::limit, "line 1", "levels");
  expect_error("{% set " + repeat("(", deep) + "a" + repeat(")", deep) + " = 1 %}",
               ErrorKind::limit, "line 1", "levels");
  expect_error(std::string(kMaxSourceBytes + 1, 'a'), ErrorKind::limit, "", "bytes");
}

TEST(Template, NestingThatPeopleWriteIsFine) {
  const int levels = 60;
  const auto lists =
      render("{{ (" + repeat("[", levels) + repeat("]", levels) + ") | string | length }}");
  ASSERT_TRUE(lists.ok()) << lists.error().message();
  EXPECT_EQ(lists.value(), "120");
  const auto blocks = render(repeat("{% if 1 %}", levels) + "x" + repeat("{% endif %}", levels));
  ASSERT_TRUE(blocks.ok()) << blocks.error().message();
  EXPECT_EQ(blocks.value(), "x");
  const auto sum = render("{{ 0" + repeat(" + 1", levels) + " }}");
  ASSERT_TRUE(sum.ok()) << sum.error().message();
  EXPECT_EQ(sum.value(), "60");
}

TEST(Template, WorkIsBounded) {
  const auto limit = [](const std::string& source) {
    expect_error(source, ErrorKind::limit, "", "");
  };
  limit("{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}");
  limit("{{ 'a' * 10 ** 15 }}");
  limit("{{ [1] * 10 ** 15 }}");
  limit("{{ range(10 ** 15) }}");
  limit(
      "{% set n = namespace(x='ab') %}{% for i in range(99) %}{% set n.x = n.x + n.x %}{% endfor "
      "%}");
  limit(
      "{% set n = namespace(x=[1]) %}{% for i in range(99) %}{% set n.x = n.x + n.x %}{% endfor "
      "%}");
  limit("{% set n = namespace(x=[]) %}{% for i in range(999) %}{% set n.x = [n.x] %}{% endfor %}");
  limit("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}");
  limit(
      "{% macro f() %}{{ caller() }}{% call f() %}{% endcall %}{% endmacro %}{% call f() %}{% "
      "endcall %}");
  limit("{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}");
  limit("{{ 'a' | center(10 ** 15) }}");
  limit("{{ '%999999999999d' % 1 }}");
  limit("{{ '{:999999999999}'.format(1) }}");
  limit("{{ 'a\nb' | indent(10 ** 15) }}");
  limit("{{ ('a' * 100000) | replace('', 'b' * 100000) | length }}");
  limit("{{ ('b' * 100000).join('a' * 100000) | length }}");
  limit("{% set n = namespace(x=1) %}{% set n.x = n %}{{ n }}");
  limit("{{ ([[1]] * 90000) | tojson(indent=90000) }}");
}

// A value that holds itself twice at every level prints and compares in 2^levels steps.
TEST(Template, SharedValuesDoNotMultiplyTheWork) {
  const std::string build =
      "{% set n = namespace(x=[1], y=[1]) %}{% for i in range(60) %}"
      "{% set n.x = [n.x, n.x] %}{% set n.y = [n.y, n.y] %}{% endfor %}";
  for (const std::string use : {"{{ n.x }}", "{{ n.x | tojson }}", "{{ n.x == n.y }}",
                                "{{ n.x < n.y }}", "{{ n.x in [n.y] }}", "{{ [n.x, n.y] | sort }}"})
    expect_error(build + use, ErrorKind::limit, "line 1", "more work");
}

TEST(Template, OutputIsBounded) {
  Limits limits;
  limits.output_bytes = 1000;
  EXPECT_TRUE(render("{{ 'a' * 1000 }}", limits).ok());
  const auto over = render("{% for i in range(11) %}{{ 'a' * 100 }}{% endfor %}", limits);
  ASSERT_FALSE(over.ok());
  EXPECT_EQ(over.error().kind, ErrorKind::limit);
}

TEST(Template, CirclesAreTakenApart) {
  // Leaks show under AddressSanitizer.
  const auto rendered = render(
      "{% set n = namespace() %}{% set n.self = n %}{% macro f() %}{{ f }}{% endmacro %}"
      "{% set n.f = f %}{% for x in [1, 2] %}{% macro g() %}{{ n }}{% endmacro %}"
      "{% set n.g = g %}{% set n.l = loop %}{{ loop.changed(n, loop) }}{% endfor %}"
      "{{ n.l.length }}");
  ASSERT_TRUE(rendered.ok()) << rendered.error().message();
  EXPECT_EQ(rendered.value(), "TrueFalse0");
}

TEST(Template, MacrosOutliveTheirScope) {
  const auto rendered = render(
      "{% set n = namespace() %}{% for x in [1, 2] %}{% macro g() %}{{ x }}{% endmacro %}"
      "{% if loop.first %}{% set n.g = g %}{% endif %}{% endfor %}{{ n.g() }}");
  ASSERT_TRUE(rendered.ok()) << rendered.error().message();
  EXPECT_EQ(rendered.value(), "1");
}

TEST(Template, GenerationBlocksAreFound) {
  const auto parsed = Template::parse(
      "a{% generation %}bc{% endgeneration %}d{% generation %}{{ 'ef' }}{% endgeneration %}");
  ASSERT_TRUE(parsed.ok());
  const auto rendered = parsed.value().render({{}, kRenderTime, {}});
  ASSERT_TRUE(rendered.ok());
  EXPECT_EQ(rendered.value().text, "abcdef");
  ASSERT_EQ(rendered.value().generations.size(), 2u);
  EXPECT_EQ(rendered.value().generations[0].begin, 1u);
  EXPECT_EQ(rendered.value().generations[0].end, 3u);
  EXPECT_EQ(rendered.value().generations[1].begin, 4u);
  EXPECT_FALSE(rendered.value().generation_lost);
  const auto inside =
      Template::parse("{% set x %}{% generation %}a{% endgeneration %}{% endset %}");
  ASSERT_TRUE(inside.ok());
  EXPECT_TRUE(inside.value().render({{}, kRenderTime, {}}).value().generation_lost);
}

TEST(Template, ThreadsShareATemplate) {
  const auto parsed = Template::parse(
      "{% macro f(x=[1, 'a']) %}{{ x }}{% endmacro %}"
      "{% for i in range(50) %}{{ f() }}{{ ['b', 'a'] | sort | join }}{% endfor %}");
  ASSERT_TRUE(parsed.ok());
  const std::string expected = repeat("[1, 'a']ab", 50);
  std::vector<std::string> texts(4);
  std::vector<std::thread> threads;
  for (std::string& text : texts)
    threads.emplace_back([&text, &parsed] {
      auto rendered = parsed.value().render({{}, kRenderTime, {}});
      if (rendered.ok()) text = std::move(rendered.value().text);
    });
  for (std::thread& thread : threads) thread.join();
  for (const std::string& text : texts) EXPECT_EQ(text, expected);
}

}  // namespace
}  // namespace lathe::text::jinja
