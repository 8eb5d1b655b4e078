// Chat templates of real models against Jinja2 with Hugging Face's settings. The templates are
// other people's work and not in the repository: the test reads them from $LATHE_GOLDENS or from
// ../shared/goldens beside the checkout, and is skipped where neither is.
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "text/chat_template.h"

namespace lathe::text {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

fs::path goldens() {
  if (const char* named = std::getenv("LATHE_GOLDENS")) return named;
  return fs::path(LATHE_SOURCE_DIR).parent_path() / "shared" / "goldens";
}

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

SpecialTokenText special_tokens(const Json& golden) {
  SpecialTokenText special;
  for (const auto& [name, text] : golden.at("special").items())
    special.others.emplace_back(name, text.get<std::string>());
  return special;
}

// The day a render with a date was made, as the template wrote it: found by trying the days.
bool renders_on_some_day(const ChatTemplate& chat, const std::string& messages,
                         RenderOptions options, const std::string& expected) {
  constexpr std::int64_t kDay = 86400;
  constexpr std::int64_t kFirst = 1735689600;  // 2025-01-01
  for (int day = 0; day < 1500; ++day) {
    options.now_unix_seconds = kFirst + day * kDay;
    const auto rendered = chat.render_json(messages, options);
    if (rendered.ok() && rendered.value() == expected) return true;
  }
  return false;
}

void check_case(const ChatTemplate& chat, const Json& golden) {
  const std::string messages = golden.at("messages").dump();
  RenderOptions options;
  options.add_generation_prompt = golden.at("add_generation_prompt").get<bool>();
  if (!golden.at("tools").is_null()) options.tools_json = golden.at("tools").dump();
  options.variables_json = golden.at("extra").dump();
  const auto rendered = chat.render_json(messages, options);
  if (golden.contains("error")) {
    EXPECT_FALSE(rendered.ok()) << "expected: " << golden.at("error");
    return;
  }
  ASSERT_TRUE(rendered.ok()) << rendered.error().message();
  const auto expected = golden.at("render").get<std::string>();
  if (golden.value("uses_clock", false)) {
    EXPECT_TRUE(renders_on_some_day(chat, messages, options, expected)) << rendered.value();
  } else {
    EXPECT_EQ(rendered.value(), expected);
  }
}

TEST(ChatTemplateGolden, RendersWhatJinja2Renders) {
  const fs::path folder = goldens() / "templates";
  if (!fs::is_directory(folder)) GTEST_SKIP() << "SKIPPED: no folder " << folder;
  int cases = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".jinja") continue;
    SCOPED_TRACE(entry.path().filename().string());
    const Json golden = Json::parse(read(fs::path(entry.path()).replace_extension(".json")));
    const auto chat = ChatTemplate::parse(read(entry.path()), special_tokens(golden));
    ASSERT_TRUE(chat.ok()) << chat.error().message();
    for (const Json& one : golden.at("cases")) {
      SCOPED_TRACE(one.at("scenario").get<std::string>());
      check_case(chat.value(), one);
      ++cases;
    }
  }
  EXPECT_GT(cases, 0);
}

}  // namespace
}  // namespace lathe::text
