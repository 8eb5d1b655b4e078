// Which chat template a model's files give: of a folder, a GGUF file, and of several named ones.
#include "text/model_text.h"

#include <gtest/gtest.h>

#include "formats/gguf.h"

namespace lathe::text {
namespace {

using formats::NamedTemplate;

class ModelTexts : public testing::Test {
 protected:
  void put(const char* name, std::string_view text) {
    const os::Path path = folder() / name;
    std::filesystem::create_directories(path.parent_path());
    ASSERT_TRUE(os::write_file_atomically(path, text).ok());
  }
  const os::Path& folder() const { return scratch_.path(); }
  std::vector<NamedTemplate> templates() const {
    auto files = load_text_files(folder());
    EXPECT_TRUE(files.ok()) << files.error().message();
    return files.ok() ? std::move(files->templates) : std::vector<NamedTemplate>();
  }

 private:
  os::TemporaryDirectory scratch_ = os::TemporaryDirectory::make().value();
};

std::string chosen(const std::vector<NamedTemplate>& templates, bool with_tools) {
  const auto found = choose_template(templates, with_tools);
  return found.ok() ? (*found)->source : "error: " + found.error().message();
}

TEST_F(ModelTexts, OneTemplateServesAllRequests) {
  put("tokenizer_config.json", R"({"chat_template":"T"})");
  EXPECT_EQ(chosen(templates(), false), "T");
  EXPECT_EQ(chosen(templates(), true), "T");
  put("chat_template.jinja", "F");  // goes before the one in the config
  EXPECT_EQ(chosen(templates(), false), "F");
  EXPECT_EQ(templates().size(), 1u);
}

TEST_F(ModelTexts, ToolsHaveATemplateOfTheirOwn) {
  put("tokenizer_config.json", R"({"chat_template":[{"name":"rag","template":"R"},)"
                               R"({"name":"default","template":"D"},)"
                               R"({"name":"tool_use","template":"T"}]})");
  EXPECT_EQ(chosen(templates(), false), "D");
  EXPECT_EQ(chosen(templates(), true), "T");
  const auto all = templates();
  EXPECT_EQ(find_template(all, "rag").value()->source, "R");
  const auto missing = find_template(all, "chat");
  ASSERT_FALSE(missing.ok());
  EXPECT_NE(missing.error().message().find("rag, default, tool_use"), std::string::npos)
      << missing.error().message();
}

TEST_F(ModelTexts, FilesOfMoreTemplates) {
  put("chat_template.jinja", "D");
  put("additional_chat_templates/tool_use.jinja", "T");
  put("additional_chat_templates/rag.jinja", "R");
  put("additional_chat_templates/README.md", "no template");
  const std::vector<NamedTemplate> all = {{"default", "D"}, {"rag", "R"}, {"tool_use", "T"}};
  EXPECT_EQ(templates(), all);
}

// Nothing is put in the place of a template that is not there.
TEST_F(ModelTexts, NoOtherTemplateIsTaken) {
  put("tokenizer_config.json", R"({"chat_template":[{"name":"rag","template":"R"}]})");
  EXPECT_NE(chosen(templates(), false).find("named 'default'"), std::string::npos);
  EXPECT_NE(chosen(templates(), true).find("name one of: rag"), std::string::npos);
  put("tokenizer_config.json", R"({"chat_template":[{"name":"tool_use","template":"T"}]})");
  EXPECT_EQ(chosen(templates(), true), "T");
  EXPECT_NE(chosen(templates(), false).find("error"), std::string::npos);
  put("tokenizer_config.json", "{}");
  EXPECT_FALSE(load_text_files(folder()).ok());
  EXPECT_NE(chosen({}, false).find("there is no chat template"), std::string::npos);
}

TEST_F(ModelTexts, DamagedLists) {
  for (const char* config :
       {R"({"chat_template":[1]})", R"({"chat_template":[{"name":"a"}]})",
        R"({"chat_template":[{"template":"a"}]})", R"({"chat_template":{}})"}) {
    put("tokenizer_config.json", config);
    EXPECT_FALSE(load_text_files(folder()).ok()) << config;
  }
}

TEST_F(ModelTexts, GgufFilesNameTheirsByKey) {
  auto metadata =
      formats::GgufFile::open(os::Path(LATHE_SOURCE_DIR) / "testdata/goldens/gguf/f16.gguf")
          .value()
          .metadata();
  metadata.set("tokenizer.ggml.model", std::string("gpt2"));
  metadata.set("tokenizer.ggml.pre", std::string("gpt-2"));
  metadata.set("tokenizer.ggml.tokens",
               formats::GgufArray(std::vector<std::string>{"a", "b", "c", "d"}));
  metadata.set("tokenizer.ggml.token_type", formats::GgufArray(std::vector<std::int32_t>(4, 1)));
  metadata.set("tokenizer.ggml.merges", formats::GgufArray(std::vector<std::string>{}));
  metadata.set("tokenizer.chat_template", std::string("D"));
  metadata.set("tokenizer.chat_template.tool_use", std::string("T"));
  metadata.set("tokenizer.chat_templates",
               formats::GgufArray(std::vector<std::string>{"tool_use"}));
  const os::Path path = folder() / "x.gguf";
  ASSERT_TRUE(formats::write_gguf(path, metadata, {}).ok());
  const auto files = load_text_files(path);
  ASSERT_TRUE(files.ok()) << files.error().message();
  EXPECT_EQ(files->templates.size(), 2u);
  EXPECT_EQ(chosen(files->templates, false), "D");
  EXPECT_EQ(chosen(files->templates, true), "T");
}

}  // namespace
}  // namespace lathe::text
