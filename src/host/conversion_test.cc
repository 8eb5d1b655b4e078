#include "host/conversion.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "formats/gguf.h"
#include "host/fingerprint.h"
#include "host/model_card.h"
#include "host/model_export.h"
#include "host/testing/tiny_home.h"

namespace lathe::host {
namespace {

using tensor::DType;
using Target = formats::ConversionPlan::Target;

class HostConversion : public ::testing::Test {
 protected:
  store::ModelRecord import(const os::Path& from, const std::string& name,
                            std::optional<DType> type = std::nullopt, bool certify = true) {
    ConversionOptions options;
    options.type = type;
    options.certify = certify;
    const auto record = import_model(
        store_, from, name, serial_, [](std::uint64_t, std::uint64_t) {}, options);
    EXPECT_TRUE(record.ok()) << record.error().message();
    return record.value();
  }
  Exported export_to(const os::Path& model, const os::Path& out, Target format,
                     std::optional<DType> type = std::nullopt) {
    ExportOptions options;
    options.format = format;
    options.conversion.type = type;
    const auto made = export_model(model, out, options, serial_);
    EXPECT_TRUE(made.ok()) << made.error().message();
    return made.value();
  }

  testing::TinyHome home_;
  LocalStore store_ = home_.open();
  SerialParallel serial_;
};

TEST_F(HostConversion, AQuantisedImportHasACertificateOfItsWeights) {
  const store::ModelRecord record = import(home_.source(), "small", DType::q8_0);
  EXPECT_EQ(record.quantization, "q8_0");
  const ModelCard card = model_card(store_, "small").value();
  ASSERT_EQ(card.certificates.size(), 1u);
  EXPECT_TRUE(card.is_certified());
  const evaluation::Certificate& c = card.certificates[0];
  EXPECT_EQ(c.source_fingerprint, store_.catalogue.model("tiny")->fingerprint);
  EXPECT_EQ(c.from, "f32");
  EXPECT_EQ(c.to, "q8_0");
  EXPECT_GT(c.mean_kl, 0);
  EXPECT_LT(c.mean_kl, 0.01);
  std::int64_t tensors = 0;
  for (const auto& [type, count] : c.tensors) tensors += count;
  EXPECT_EQ(tensors, static_cast<std::int64_t>(
                         formats::ModelSource::open(home_.source())->tensor_names().size()));
  const auto details = nlohmann::json::parse(record.details);
  EXPECT_EQ(details["certificates"].size(), 1u);
  EXPECT_EQ(details["conversion"][0]["to"], "q8_0");
}

TEST_F(HostConversion, ACertificateGoesAlongWithItsWeights) {
  import(home_.source(), "small", DType::q8_0);
  const os::Path file = home_.folder() / "small.gguf";
  const Exported plain = export_to(
      tasks::model_path(store_.home.absolute("models/small").value()).value(), file, Target::gguf);
  EXPECT_FALSE(plain.certified);
  ASSERT_EQ(plain.certificates.size(), 1u);
  const store::ModelRecord again = import(file, "again");
  const ModelCard card = model_card(store_, "again").value();
  EXPECT_TRUE(card.is_certified());
  EXPECT_EQ(again.fingerprint, store_.catalogue.model("small")->fingerprint);
  // Back to a folder: another certificate behind the first, in a file of its own.
  const os::Path folder = home_.folder() / "wide";
  const Exported wide = export_to(file, folder, Target::folder, DType::f32);
  EXPECT_TRUE(wide.certified);
  ASSERT_EQ(wide.certificates.size(), 2u);
  EXPECT_LT(wide.certificates[1].mean_kl, 0.01);  // the weights are the same, activations are not
  EXPECT_TRUE(std::filesystem::exists(folder / "certificate.json"));
  import(folder, "wide");
  EXPECT_TRUE(model_card(store_, "wide")->is_certified());
  EXPECT_EQ(model_card(store_, "wide")->certificates.size(), 2u);
}

TEST_F(HostConversion, WithoutACertificateTheCardSaysSo) {
  import(home_.source(), "small", DType::q4_0, false);
  const ModelCard card = model_card(store_, "small").value();
  EXPECT_TRUE(card.certificates.empty());
  EXPECT_FALSE(card.is_certified());
  EXPECT_EQ(to_json(card)["certified"], false);
}

TEST_F(HostConversion, SixteenBitsStayAFolderWithItsTexts) {
  ASSERT_TRUE(os::write_file_atomically(home_.source() / "README.md",
                                        "---\nlicense: mit\nlanguage: [en, de]\n---\n# Tiny\n")
                  .ok());
  const store::ModelRecord record = import(home_.source(), "half", DType::bf16);
  EXPECT_EQ(record.quantization, "bf16");
  const ModelCard card = model_card(store_, "half").value();
  EXPECT_TRUE(std::filesystem::exists(card.path / "config.json"));
  EXPECT_EQ(card.origin.license, "mit");
  EXPECT_EQ(card.origin.languages, (std::vector<std::string>{"en", "de"}));
  EXPECT_EQ(card.tokenizer.hash, store_.catalogue.model("tiny")->tokenizer_hash);
  EXPECT_EQ(record.template_hash, store_.catalogue.model("tiny")->template_hash);
}

TEST_F(HostConversion, TheCardSaysWhatTheFilesSay) {
  const ModelCard card = model_card(store_, "tiny").value();
  EXPECT_EQ(card.decoder->hidden_size, 32);
  ASSERT_EQ(card.weights.size(), 1u);
  EXPECT_EQ(card.weights[0].parameters, card.record.parameters);
  EXPECT_EQ(card.weights[0].bytes, 4 * card.record.parameters);
  EXPECT_EQ(card.memory.cache_per_token, 2u * 2 * 2 * 8);  // one layer, f16
  EXPECT_TRUE(card.chat_template.there);
  EXPECT_TRUE(card.chat_template.system);
  EXPECT_FALSE(card.chat_template.tools);
  EXPECT_FALSE(card.chat_template.generation_prompt);  // it always opens the answer
  EXPECT_EQ(card.tokenizer.kind, "byte-level BPE");
  EXPECT_TRUE(card.origin.license.empty());
  const auto json = to_json(card);
  EXPECT_EQ(json["shape"]["kv_heads"], 2);
  EXPECT_EQ(json["memory"]["total"], card.memory.total());
  EXPECT_EQ(json["origin"]["license"], nullptr);
}

TEST_F(HostConversion, ADamagedCertificateIsNamed) {
  ASSERT_TRUE(os::write_file_atomically(home_.source() / "certificate.json", "[{}]").ok());
  const auto record =
      import_model(store_, home_.source(), "x", serial_, [](std::uint64_t, std::uint64_t) {});
  ASSERT_FALSE(record.ok());
  EXPECT_NE(record.error().message().find("certificate.json"), std::string::npos);
}

TEST(WeightTypes, AreNamed) {
  EXPECT_EQ(parse_weight_type("q4_k").value(), DType::q4_k);
  const auto unknown = parse_weight_type("q5_k");
  ASSERT_FALSE(unknown.ok());
  EXPECT_NE(unknown.error().message().find("q6_k"), std::string::npos);
}

}  // namespace
}  // namespace lathe::host
