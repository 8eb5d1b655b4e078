#include "host/local_store.h"

#include <gtest/gtest.h>

#include "host/adaptation_import.h"
#include "host/fingerprint.h"
#include "host/testing/tiny_home.h"

namespace lathe::host {
namespace {

class LocalStoreTest : public ::testing::Test {
 protected:
  // An adaptation that is bound to other weights; its files do not matter here.
  void add_bound(const std::string& name, const std::string& base) {
    store::AdaptationRecord record;
    record.name = name;
    record.kind = store::AdaptationKind::lora;
    record.base_model = base;
    record.base_fingerprint = store_.catalogue.model(base).value().fingerprint;
    record.path = "adaptations/" + name;
    ASSERT_TRUE(store_.catalogue.add_adaptation(record).ok());
  }
  void add_system(const std::string& name) {
    prompting::PromptAdaptation prompt;
    prompt.system = "Be brief.";
    ASSERT_TRUE(add_prompt(store_, name, prompt).ok());
  }

  testing::TinyHome home_;
  LocalStore store_ = home_.open();
};

TEST_F(LocalStoreTest, ModelsAdaptationsAndDeploymentsResolve) {
  add_system("brief");
  const Resolved model = resolve(store_, "tiny").value();
  EXPECT_EQ(model.model_name, "tiny");
  EXPECT_TRUE(model.adaptations.empty());
  EXPECT_EQ(model.version, 0);
  const Resolved adapted = resolve(store_, "tiny+brief").value();
  ASSERT_EQ(adapted.adaptations.size(), 1u);
  EXPECT_EQ(adapted.adaptations[0].kind, tasks::AdaptationSource::Kind::prompt);
  EXPECT_TRUE(std::filesystem::exists(adapted.adaptations[0].path));
  ASSERT_TRUE(store_.catalogue.deploy("desk", store::parse_reference("tiny+brief").value()).ok());
  const Resolved deployed = resolve(store_, "desk").value();
  EXPECT_EQ(deployed.reference, "tiny+brief");
  EXPECT_EQ(deployed.deployment, "desk");
  EXPECT_EQ(deployed.version, 1);
}

TEST_F(LocalStoreTest, PathsAreForTheCommandLineAlone) {
  add_system("brief");
  const std::string path = home_.source().string();
  EXPECT_EQ(resolve(store_, path).value().model_path, home_.source());
  EXPECT_EQ(resolve(store_, path + "+brief").value().adaptations.size(), 1u);
  EXPECT_FALSE(resolve_in_store(store_, path).ok());
  EXPECT_EQ(resolve(store_, path + "-absent").error().kind, ErrorKind::not_found);
}

TEST_F(LocalStoreTest, AnAdaptationOfOtherWeightsIsRefusedWithBothNames) {
  testing::write_model(home_.folder() / "stranger", 2);
  home_.import("stranger", home_.folder() / "stranger");
  add_bound("tuned", "tiny");
  for (const std::string& reference :
       {std::string("stranger+tuned"), (home_.folder() / "stranger").string() + "+tuned"}) {
    const auto refused = resolve(store_, reference);
    ASSERT_FALSE(refused.ok()) << reference;
    EXPECT_EQ(refused.error().kind, ErrorKind::bad_input);
    EXPECT_NE(refused.error().message().find("'tiny'"), std::string::npos);
    EXPECT_NE(refused.error().message().find("stranger"), std::string::npos);
  }
  EXPECT_TRUE(resolve(store_, "tiny+tuned").ok());
  EXPECT_TRUE(resolve(store_, home_.source().string() + "+tuned").ok());
}

TEST_F(LocalStoreTest, FingerprintsAreOfWeightsAlone) {
  const auto one = weights_fingerprint(home_.source());
  EXPECT_EQ(one.value(), store_.catalogue.model("tiny").value().fingerprint);
  ASSERT_TRUE(os::write_file_atomically(home_.source() / "chat_template.jinja", "x").ok());
  EXPECT_EQ(weights_fingerprint(home_.source()).value(), one.value());
  testing::write_model(home_.folder() / "other", 2);
  EXPECT_NE(weights_fingerprint(home_.folder() / "other").value(), one.value());
}

TEST_F(LocalStoreTest, IdentityChangesWithTheFile) {
  const os::Path file = home_.folder() / "file";
  const std::string absent = path_identity(file);
  ASSERT_TRUE(os::write_file_atomically(file, "one").ok());
  const std::string one = path_identity(file);
  ASSERT_TRUE(os::write_file_atomically(file, "two").ok());
  const std::string two = path_identity(file);
  EXPECT_NE(absent, one);
  EXPECT_NE(one, two);
  EXPECT_EQ(path_identity(file), two);
}

TEST_F(LocalStoreTest, APromptIsReplacedUnlessAVersionAnswersWithIt) {
  add_system("brief");
  prompting::PromptAdaptation prompt;
  prompt.system = "Be long.";
  EXPECT_EQ(add_prompt(store_, "brief", prompt).error().kind, ErrorKind::already_exists);
  ASSERT_TRUE(add_prompt(store_, "brief", prompt, store::IfExists::replace).ok());
  EXPECT_EQ(read_prompt(store_, "brief").value().system, "Be long.");
  ASSERT_TRUE(store_.catalogue.deploy("desk", store::parse_reference("tiny+brief").value()).ok());
  prompt.system = "Be loud.";
  EXPECT_FALSE(add_prompt(store_, "brief", prompt, store::IfExists::replace).ok());
  EXPECT_EQ(read_prompt(store_, "brief").value().system, "Be long.");
}

}  // namespace
}  // namespace lathe::host
