#include "store/catalogue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <limits>
#include <thread>

namespace lathe::store {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

ModelRecord model_record(const std::string& name, const std::string& fingerprint = "f1") {
  ModelRecord model;
  model.name = name;
  model.path = "models/x/model.gguf";
  model.size_bytes = 7'000'000;
  model.parameters = 5'000'000;
  model.family = "llama";
  model.context_length = 1024;
  model.quantization = "f32";
  model.fingerprint = fingerprint;
  model.template_hash = "t";
  model.tokenizer_hash = "k";
  model.details = R"({"license": "apache-2.0"})";
  return model;
}

AdaptationRecord lora_record(const std::string& name, const std::string& base = "starter") {
  AdaptationRecord adaptation;
  adaptation.name = name;
  adaptation.kind = AdaptationKind::lora;
  adaptation.base_model = base;
  adaptation.base_fingerprint = "f1";
  adaptation.path = "adaptations/" + name;
  adaptation.size_bytes = 1000;
  adaptation.settings = R"({"rank": 8})";
  return adaptation;
}

AdaptationRecord prompt_record(const std::string& name) {
  AdaptationRecord adaptation;
  adaptation.name = name;
  adaptation.path = "adaptations/" + name;
  return adaptation;
}

class CatalogueTest : public testing::Test {
 protected:
  os::TemporaryDirectory scratch_ = os::TemporaryDirectory::make().value();
  os::Path file_ = scratch_.path() / "lathe.db";
  os::FakeClock clock_;
  Catalogue catalogue_ = open();

  Catalogue open() {
    Catalogue::Options options;
    options.kept_requests = 10;
    options.clock = &clock_;
    return Catalogue::open(file_, options).value();
  }
  void add_starter() {
    ASSERT_TRUE(catalogue_.add_model(model_record("starter")).ok());
    ASSERT_TRUE(catalogue_.add_adaptation(lora_record("lora")).ok());
    ASSERT_TRUE(catalogue_.add_adaptation(prompt_record("manners")).ok());
  }
  Result<VersionRecord> deploy(const std::string& name, const std::string& reference) {
    return catalogue_.deploy(name, parse_reference(reference).value());
  }
  std::string answers(const std::string& text) {
    const auto resolved = catalogue_.resolve(text);
    return resolved.ok() ? resolved->canonical() : resolved.error().message();
  }
};

TEST_F(CatalogueTest, ModelComesBackWithEveryField) {
  clock_.advance(5);
  const ModelRecord in = model_record("org/tiny");
  ASSERT_TRUE(catalogue_.add_model(in).ok());
  const ModelRecord out = open().model("org/tiny").value();  // by another connection
  EXPECT_EQ(out.name, in.name);
  EXPECT_EQ(out.kind, "generator");
  EXPECT_EQ(out.path, in.path);
  EXPECT_EQ(out.size_bytes, in.size_bytes);
  EXPECT_EQ(out.parameters, in.parameters);
  EXPECT_EQ(out.family, in.family);
  EXPECT_EQ(out.context_length, in.context_length);
  EXPECT_EQ(out.quantization, in.quantization);
  EXPECT_EQ(out.fingerprint, in.fingerprint);
  EXPECT_EQ(out.template_hash, in.template_hash);
  EXPECT_EQ(out.tokenizer_hash, in.tokenizer_hash);
  EXPECT_EQ(out.details, in.details);
  EXPECT_EQ(out.created, 1'700'000'005);
}

TEST_F(CatalogueTest, AdaptationComesBackWithEveryField) {
  add_starter();
  const AdaptationRecord in = lora_record("lora");
  const AdaptationRecord out = catalogue_.adaptation("lora").value();
  EXPECT_EQ(out.name, in.name);
  EXPECT_EQ(out.kind, AdaptationKind::lora);
  EXPECT_EQ(out.base_model, in.base_model);
  EXPECT_EQ(out.base_fingerprint, in.base_fingerprint);
  EXPECT_EQ(out.path, in.path);
  EXPECT_EQ(out.size_bytes, in.size_bytes);
  EXPECT_EQ(out.settings, in.settings);
  EXPECT_EQ(out.created, 1'700'000'000);
  EXPECT_EQ(catalogue_.adaptation("manners").value().base_model, "");
}

TEST_F(CatalogueTest, ListsAreByName) {
  add_starter();
  ASSERT_TRUE(catalogue_.add_model(model_record("alpha")).ok());
  const auto models = catalogue_.models().value();
  ASSERT_THAT(models, SizeIs(2));
  EXPECT_EQ(models[0].name, "alpha");
  EXPECT_THAT(catalogue_.adaptations().value(), SizeIs(2));
  EXPECT_THAT(catalogue_.deployments().value(), IsEmpty());
}

TEST_F(CatalogueTest, TakenNamesAreRefusedUnlessReplaced) {
  add_starter();
  EXPECT_EQ(catalogue_.add_model(model_record("starter")).error().kind, ErrorKind::already_exists);
  EXPECT_EQ(catalogue_.add_adaptation(lora_record("lora")).error().kind, ErrorKind::already_exists);
  ModelRecord moved = model_record("starter");
  moved.path = "models/y";
  EXPECT_TRUE(catalogue_.add_model(moved, IfExists::replace).ok());
  EXPECT_EQ(catalogue_.model("starter").value().path, "models/y");
  AdaptationRecord better = lora_record("lora");
  better.size_bytes = 2000;
  EXPECT_TRUE(catalogue_.add_adaptation(better, IfExists::replace).ok());
  EXPECT_EQ(catalogue_.adaptation("lora").value().size_bytes, 2000);
}

TEST_F(CatalogueTest, BadRecordsAreRefused) {
  add_starter();
  EXPECT_FALSE(catalogue_.add_model(model_record("../x")).ok());
  EXPECT_FALSE(catalogue_.add_model(model_record("x", "")).ok());
  ModelRecord outside = model_record("x");
  outside.path = "/etc/passwd";
  EXPECT_FALSE(catalogue_.add_model(outside).ok());
  ModelRecord negative = model_record("x");
  negative.size_bytes = -1;
  EXPECT_EQ(catalogue_.add_model(negative).error().kind, ErrorKind::bad_input);
  for (const char* settings : {"", "{", "[]", "1", "{} {}"}) {
    ModelRecord model = model_record("x");
    model.details = settings;
    EXPECT_EQ(catalogue_.add_model(model).error().kind, ErrorKind::bad_input) << settings;
    AdaptationRecord adaptation = prompt_record("p");
    adaptation.settings = settings;
    EXPECT_EQ(catalogue_.add_adaptation(adaptation).error().kind, ErrorKind::bad_input) << settings;
  }
}

TEST_F(CatalogueTest, AdaptationMustMatchItsBase) {
  add_starter();
  EXPECT_EQ(catalogue_.add_adaptation(lora_record("x", "startr")).error().message(),
            "no model 'startr'; did you mean 'starter'?");
  AdaptationRecord other = lora_record("x");
  other.base_fingerprint = "f2";
  EXPECT_EQ(catalogue_.add_adaptation(other).error().kind, ErrorKind::bad_input);
  other.base_model = "";
  EXPECT_EQ(catalogue_.add_adaptation(other).error().kind, ErrorKind::bad_input);
}

TEST_F(CatalogueTest, WhatIsUsedIsNeitherRemovedNorGivenOtherWeights) {
  add_starter();
  ASSERT_TRUE(deploy("helpdesk", "starter+lora").ok());
  const Status removal = catalogue_.remove_model("starter");
  ASSERT_FALSE(removal.ok());
  EXPECT_THAT(removal.error().message(),
              HasSubstr("the adaptation 'lora', version 1 of 'helpdesk'"));
  EXPECT_FALSE(catalogue_.remove_adaptation("lora").ok());
  EXPECT_FALSE(catalogue_.add_adaptation(lora_record("lora"), IfExists::replace).ok());
  EXPECT_FALSE(catalogue_.add_model(model_record("starter", "f2"), IfExists::replace).ok());

  ASSERT_TRUE(catalogue_.remove_deployment("helpdesk").ok());
  EXPECT_TRUE(catalogue_.remove_adaptation("lora").ok());
  EXPECT_TRUE(catalogue_.remove_model("starter").ok());
  EXPECT_EQ(catalogue_.remove_model("starter").error().kind, ErrorKind::not_found);
  EXPECT_EQ(catalogue_.remove_adaptation("lora").error().kind, ErrorKind::not_found);
  EXPECT_EQ(catalogue_.remove_deployment("helpdesk").error().kind, ErrorKind::not_found);
}

TEST_F(CatalogueTest, ModelsAndDeploymentsShareOneNamespace) {
  add_starter();
  ASSERT_TRUE(deploy("helpdesk", "starter").ok());
  EXPECT_EQ(catalogue_.add_model(model_record("helpdesk")).error().kind, ErrorKind::already_exists);
  EXPECT_EQ(deploy("starter", "starter").error().kind, ErrorKind::already_exists);
}

TEST_F(CatalogueTest, DeploymentGoesForwardAndBack) {
  add_starter();
  EXPECT_EQ(deploy("helpdesk", "starter").value().version, 1);
  clock_.advance(10);
  const VersionRecord second = deploy("helpdesk", "starter+lora+manners").value();
  EXPECT_EQ(second.version, 2);
  EXPECT_THAT(second.adaptations, ElementsAre("lora", "manners"));
  EXPECT_EQ(answers("helpdesk"), "starter+lora+manners");
  EXPECT_EQ(answers("helpdesk@1"), "starter");

  EXPECT_EQ(catalogue_.rollback("helpdesk").value().version, 1);
  EXPECT_EQ(answers("helpdesk"), "starter");
  EXPECT_EQ(catalogue_.rollback("helpdesk").error().kind, ErrorKind::not_found);
  EXPECT_EQ(catalogue_.rollback("helpdesk", 1).error().kind, ErrorKind::bad_input);
  EXPECT_EQ(catalogue_.rollback("helpdesk", 3).error().kind, ErrorKind::not_found);
  EXPECT_EQ(catalogue_.rollback("helpdesk", 2).value().version, 2);
  EXPECT_EQ(deploy("helpdesk", "starter+manners").value().version, 3);  // numbers go on

  const DeploymentRecord deployment = open().deployment("helpdesk").value();
  EXPECT_EQ(deployment.current_version, 3);
  EXPECT_EQ(deployment.versions, 3);
  EXPECT_EQ(deployment.created, 1'700'000'000);
  EXPECT_EQ(deployment.changed, 1'700'000'010);
}

TEST_F(CatalogueTest, EveryChangeIsARevision) {
  add_starter();
  ASSERT_TRUE(deploy("helpdesk", "starter").ok());
  ASSERT_TRUE(deploy("helpdesk", "starter+lora").ok());
  ASSERT_TRUE(catalogue_.rollback("helpdesk").ok());
  ASSERT_TRUE(catalogue_.scale("helpdesk", {1, 4, 60}).ok());
  ASSERT_TRUE(deploy("other", "starter").ok());
  const auto revisions = catalogue_.revisions("helpdesk").value();
  ASSERT_THAT(revisions, SizeIs(4));
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(revisions[i].revision, static_cast<std::int64_t>(i) + 1);
  }
  EXPECT_EQ(revisions[1].kind, RevisionKind::deploy);
  EXPECT_EQ(revisions[1].what, "version 2 (starter+lora) took over from version 1");
  EXPECT_EQ(revisions[2].kind, RevisionKind::rollback);
  EXPECT_EQ(revisions[2].version, 1);
  EXPECT_EQ(revisions[3].kind, RevisionKind::scale);
  EXPECT_THAT(catalogue_.revisions("other").value(), SizeIs(1));
  EXPECT_EQ(catalogue_.revisions("none").error().kind, ErrorKind::not_found);
}

TEST_F(CatalogueTest, ScalingChangesOneVersionAlone) {
  add_starter();
  ASSERT_TRUE(deploy("helpdesk", "starter").ok());
  ASSERT_TRUE(deploy("helpdesk", "starter+lora").ok());
  ASSERT_TRUE(catalogue_.scale("helpdesk", {1, 4, 60}, 1).ok());
  const auto versions = catalogue_.versions("helpdesk").value();
  ASSERT_THAT(versions, SizeIs(2));
  EXPECT_EQ(versions[0].scaling, (Scaling{1, 4, 60}));
  EXPECT_EQ(versions[1].scaling, Scaling());
  EXPECT_THAT(versions[1].adaptations, ElementsAre("lora"));
  for (const Scaling& bad : {Scaling{-1, 1, 0}, Scaling{2, 1, 0}, Scaling{0, 0, 0},
                             Scaling{0, 1, -1}, Scaling{0, 1'000'000, 0}}) {
    EXPECT_EQ(catalogue_.scale("helpdesk", bad).error().kind, ErrorKind::bad_input);
  }
}

TEST_F(CatalogueTest, DeployingADeploymentCopiesWhatItAnswersWithNow) {
  add_starter();
  ASSERT_TRUE(deploy("staging", "starter+lora").ok());
  ASSERT_TRUE(deploy("live", "staging@1").ok());
  ASSERT_TRUE(deploy("staging", "starter").ok());
  EXPECT_EQ(answers("live"), "starter+lora");
}

TEST_F(CatalogueTest, FailedDeployChangesNothing) {
  add_starter();
  EXPECT_FALSE(deploy("helpdesk", "starter+nothing").ok());
  EXPECT_EQ(catalogue_.deployment("helpdesk").error().kind, ErrorKind::not_found);
  EXPECT_FALSE(catalogue_.deploy("a b", parse_reference("starter").value()).ok());
  EXPECT_FALSE(catalogue_.deploy("org/x", parse_reference("starter").value()).ok());
}

TEST_F(CatalogueTest, UnknownReferencesSayWhatWasMeant) {
  add_starter();
  ASSERT_TRUE(deploy("helpdesk", "starter").ok());
  EXPECT_EQ(answers("startr"), "no model or deployment 'startr'; did you mean 'starter'?");
  EXPECT_EQ(answers("helpdsk"), "no model or deployment 'helpdsk'; did you mean 'helpdesk'?");
  EXPECT_EQ(answers("starter+lroa"), "no adaptation 'lroa'; did you mean 'lora'?");
  EXPECT_THAT(answers("lora"), HasSubstr("name it with its model, starter+lora"));
  EXPECT_THAT(answers("helpdesk@9"), HasSubstr("it has versions 1 to 1"));
  EXPECT_THAT(answers("helpdesk+lora"), HasSubstr("is a deployment"));
  EXPECT_THAT(answers("starter@1"), HasSubstr("models have no versions"));
  EXPECT_THAT(answers("'; DROP TABLE models; --"), HasSubstr("cannot be the name"));
}

TEST_F(CatalogueTest, AdaptationFitsEqualWeightsUnderAnotherNameAndNoOthers) {
  add_starter();
  ASSERT_TRUE(catalogue_.add_model(model_record("twin", "f1")).ok());
  ASSERT_TRUE(catalogue_.add_model(model_record("stranger", "f2")).ok());
  EXPECT_EQ(answers("twin+lora"), "twin+lora");
  EXPECT_EQ(answers("stranger+manners"), "stranger+manners");
  const auto refused = catalogue_.resolve("stranger+lora");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, ErrorKind::bad_input);
  EXPECT_THAT(refused.error().message(), HasSubstr("use starter+lora"));
}

TEST_F(CatalogueTest, RequestLogKeepsTheNewest) {
  std::vector<RequestRecord> many(25);
  for (std::size_t i = 0; i < many.size(); ++i) {
    many[i].reference = many[i].deployment = i % 2 == 0 ? "even" : "odd";
    many[i].version = 1;
    many[i].prompt_tokens = static_cast<std::int64_t>(i);
    many[i].latency_ms = 1.5;
    many[i].status = i == 23 ? 500 : 200;
  }
  ASSERT_TRUE(catalogue_.record_requests(many).ok());
  ASSERT_TRUE(catalogue_.record_requests({}).ok());
  const auto newest = catalogue_.requests({}).value();
  ASSERT_THAT(newest, SizeIs(10));
  EXPECT_EQ(newest.front().prompt_tokens, 24);
  EXPECT_EQ(newest.back().prompt_tokens, 15);
  EXPECT_EQ(newest.front().started, 1'700'000'000);
  EXPECT_EQ(newest.front().latency_ms, 1.5);
  RequestQuery query;
  query.deployment = "odd";
  query.limit = 2;
  const auto odd = catalogue_.requests(query).value();
  ASSERT_THAT(odd, SizeIs(2));
  EXPECT_EQ(odd[0].prompt_tokens, 23);
  EXPECT_EQ(odd[1].prompt_tokens, 21);
  const RequestSummary summary = catalogue_.request_summary("odd").value();
  EXPECT_EQ(summary.requests, 5);
  EXPECT_EQ(summary.failures, 1);
  EXPECT_EQ(summary.prompt_tokens, 15 + 17 + 19 + 21 + 23);
  EXPECT_EQ(summary.mean_latency_ms, 1.5);
  EXPECT_EQ(catalogue_.request_summary("none").value().requests, 0);
}

TEST_F(CatalogueTest, BadRequestRecordsAreRefusedWhole) {
  std::vector<RequestRecord> records(2);
  records[1].latency_ms = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(catalogue_.record_requests(records).ok());
  records[1].latency_ms = 0;
  records[1].reference = std::string(5000, 'x');
  EXPECT_FALSE(catalogue_.record_requests(records).ok());
  EXPECT_THAT(catalogue_.requests({}).value(), IsEmpty());
}

TEST_F(CatalogueTest, DamagedFileIsAnErrorThatNamesIt) {
  const os::Path bad = scratch_.path() / "bad.db";
  ASSERT_TRUE(os::write_file_atomically(bad,
                                        "this is no database, and longer than a header is: "
                                        "one hundred bytes are looked at by the library .....")
                  .ok());
  const auto catalogue = Catalogue::open(bad);
  ASSERT_FALSE(catalogue.ok());
  EXPECT_EQ(catalogue.error().kind, ErrorKind::bad_input);
  EXPECT_THAT(catalogue.error().message(), HasSubstr(bad.string()));
  EXPECT_TRUE(catalogue_.check_integrity().ok());
}

// A process must not carry SQLite connections over a fork, so these tests fork while none is open.
class CatalogueProcessTest : public testing::Test {
 protected:
  os::TemporaryDirectory scratch_ = os::TemporaryDirectory::make().value();
  os::Path file_ = scratch_.path() / "lathe.db";

  void SetUp() override {
    Catalogue catalogue = Catalogue::open(file_).value();
    ASSERT_TRUE(catalogue.add_model(model_record("starter")).ok());
    ASSERT_TRUE(catalogue.add_adaptation(lora_record("lora")).ok());
  }
};

TEST_F(CatalogueProcessTest, ThreadsAndProcessesDeployTogether) {
  constexpr int kEach = 20;
  const auto work = [](Catalogue& catalogue) {
    for (int i = 0; i < kEach; ++i) {
      if (!catalogue.deploy("busy", parse_reference("starter").value()).ok()) return false;
      if (!catalogue.resolve("busy").ok()) return false;
    }
    return true;
  };
  const pid_t child = ::fork();
  if (child == 0) {
    Catalogue own = Catalogue::open(file_).value();
    ::_exit(work(own) ? 0 : 1);
  }
  Catalogue catalogue = Catalogue::open(file_).value();
  bool first = false;
  std::thread thread([&] { first = work(catalogue); });
  const bool second = work(catalogue);
  thread.join();
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(first && second && WIFEXITED(status) && WEXITSTATUS(status) == 0);
  const auto versions = catalogue.versions("busy").value();
  ASSERT_THAT(versions, SizeIs(3 * kEach));
  EXPECT_EQ(versions.back().version, 3 * kEach);  // none lost, none doubled
  EXPECT_EQ(catalogue.revisions("busy").value().back().revision, 3 * kEach);
}

// A process is killed at whatever moment; the catalogue must be whole, and what was acknowledged
// must be there.
TEST_F(CatalogueProcessTest, KilledWriterLosesNothingAcknowledged) {
  for (int round = 0; round < 5; ++round) {
    int pipe_ends[2];
    ASSERT_EQ(::pipe(pipe_ends), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      Catalogue own = Catalogue::open(file_).value();
      while (true) {
        const auto version = own.deploy("busy", parse_reference("starter+lora").value());
        const std::int64_t number = version.ok() ? version->version : -1;
        if (::write(pipe_ends[1], &number, sizeof number) != sizeof number) ::_exit(1);
      }
    }
    ::close(pipe_ends[1]);
    std::int64_t acknowledged = 0;
    for (int i = 0; i < 3 + round; ++i) {
      ASSERT_EQ(::read(pipe_ends[0], &acknowledged, sizeof acknowledged),
                static_cast<ssize_t>(sizeof acknowledged));
    }
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    while (::read(pipe_ends[0], &acknowledged, sizeof acknowledged) > 0) {
    }
    ::close(pipe_ends[0]);
    EXPECT_GT(acknowledged, 0);
    Catalogue after = Catalogue::open(file_).value();
    const DeploymentRecord deployment = after.deployment("busy").value();
    EXPECT_GE(deployment.current_version, acknowledged);
    EXPECT_LE(deployment.current_version, acknowledged + 1);
    EXPECT_EQ(after.revisions("busy").value().size(),
              static_cast<std::size_t>(deployment.versions));
    EXPECT_THAT(after.versions("busy").value().back().adaptations, ElementsAre("lora"));
    EXPECT_TRUE(after.check_integrity().ok());
  }
}

TEST_F(CatalogueTest, ComparisonsGoWithTheirModel) {
  ASSERT_TRUE(catalogue_.add_model(model_record("starter")).ok());
  ComparisonRecord comparison;
  comparison.model = "starter";
  comparison.repository = "org/starter";
  comparison.data = "test.jsonl";
  comparison.data_hash = "ab";
  comparison.rows = 99;
  comparison.way = "lora";
  comparison.accuracy = 0.75;
  comparison.low = 0.7;
  comparison.high = 0.8;
  ASSERT_TRUE(catalogue_.record_comparison(comparison).ok());
  comparison.accuracy = 0.5;
  ASSERT_TRUE(catalogue_.record_comparison(comparison).ok());
  const auto found = catalogue_.comparisons().value();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].accuracy, 0.5);  // the newest first
  EXPECT_EQ(found[1].accuracy, 0.75);
  EXPECT_EQ(found[1].repository, "org/starter");
  EXPECT_EQ(found[1].data, "test.jsonl");
  EXPECT_EQ(found[1].data_hash, "ab");
  EXPECT_EQ(found[1].rows, 99);
  EXPECT_EQ(found[1].way, "lora");
  EXPECT_EQ(found[1].low, 0.7);
  EXPECT_EQ(found[1].high, 0.8);
  EXPECT_GT(found[1].created, 0);
  comparison.model = "unknown";
  EXPECT_EQ(catalogue_.record_comparison(comparison).error().kind, ErrorKind::not_found);
  comparison.model = "starter";
  comparison.accuracy = 2;
  EXPECT_FALSE(catalogue_.record_comparison(comparison).ok());
  ASSERT_TRUE(catalogue_.remove_model("starter").ok());
  EXPECT_TRUE(catalogue_.comparisons().value().empty());
}

}  // namespace
}  // namespace lathe::store
