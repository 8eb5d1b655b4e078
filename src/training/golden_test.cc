// 20 steps of full, LoRA and prompt tuning against PyTorch's losses, gradient norms and end
// weights, and the logits of imported models and adapters against transformers' and PEFT's
// (testdata/goldens).
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "adapters/lora.h"
#include "adapters/soft_prompt.h"
#include "formats/safetensors.h"
#include "os/thread_pool.h"
#include "training/learner.h"

namespace lathe::training {
namespace {

const os::Path kGoldens = os::Path(LATHE_SOURCE_DIR) / "testdata" / "goldens";

std::vector<std::int64_t> ints(const tensor::TensorView& view) {
  std::vector<std::int64_t> out(view.bytes.size() / 8);
  std::memcpy(out.data(), view.bytes.data(), view.bytes.size());
  return out;
}

std::vector<std::int32_t> tokens(const tensor::TensorView& view) {
  std::vector<std::int32_t> out;
  for (const std::int64_t id : ints(view)) out.push_back(static_cast<std::int32_t>(id));
  return out;
}

// The standard deviation of logits, at least 1.
double spread_of(const std::vector<float>& logits) {
  double sum = 0, squares = 0;
  for (const float x : logits) {
    sum += x;
    squares += static_cast<double>(x) * x;
  }
  const auto n = static_cast<double>(logits.size());
  return std::max(1.0, std::sqrt(squares / n - sum / n * (sum / n)));
}

struct Tolerance {
  double absolute = 0;
  bool grows_with_spread = false;  // for logits that spread more than 1, as rounding errors do
};

// Every position's logits of one sequence equal the golden's.
void expect_logits(const models::Decoder& decoder, const adapters::Adapter* adapter,
                   const os::Path& golden, Tolerance tolerance) {
  const auto file = formats::SafetensorsFile::open(golden).value();
  os::ThreadPool pool(2);
  for (int k = 0; k < 3; ++k) {
    const auto ids = tokens(file.tensor("ids_" + std::to_string(k)).value());
    const auto want = tensor::to_f32(file.tensor("logits_" + std::to_string(k)).value()).value();
    const double bound = tolerance.absolute * (tolerance.grows_with_spread ? spread_of(want) : 1.0);
    models::SequenceAdapters view;
    if (adapter != nullptr) view = adapter->view();
    std::vector<std::int32_t> rows;
    const std::size_t prefix = view.soft_prompt != nullptr ? view.soft_prompt->rows : 0;
    for (std::size_t i = 0; i < prefix; ++i) rows.push_back(-1 - static_cast<std::int32_t>(i));
    rows.insert(rows.end(), ids.begin(), ids.end());
    // Once as a whole, once through the cache in two parts.
    for (const bool cached : {false, true}) {
      models::KvPool kv(decoder.kv_shape(), kernels::KvType::f32, 16);
      models::KvSequence sequence(kv);
      std::vector<float> got;
      const std::size_t cut = cached ? rows.size() / 2 : 0;
      for (const auto& [first, last] :
           {std::pair{std::size_t{0}, cut}, std::pair{cut, rows.size()}}) {
        if (first == last) continue;
        models::Batch batch;
        models::BatchSequence& s = batch.add(std::span(rows).subspan(first, last - first), first);
        s.adapters = &view;
        if (cached) {
          ASSERT_TRUE(sequence.reserve(last - first).ok());
          s.cache = &sequence;
          s.whole = rows.size();
        }
        for (std::size_t i = std::max(first, prefix); i < last; ++i) {
          batch.outputs.push_back(static_cast<std::int32_t>(i - first));
        }
        ASSERT_TRUE(decoder.check(batch).ok());
        tensor::Arena arena;
        ops::Run run(kernels::active(), pool, arena);
        const ops::Value logits = decoder.forward(run, batch);
        got.insert(got.end(), logits.data, logits.data + logits.size());
      }
      ASSERT_EQ(got.size(), want.size());
      for (std::size_t i = 0; i < got.size(); ++i)
        ASSERT_NEAR(got[i], want[i], bound) << "logit " << i;
    }
  }
}

// The logits of a GGUF file, or of the first of its parts, stand beside it.
os::Path golden_of(const os::Path& model) {
  if (model.extension() != ".gguf") return model / "golden.safetensors";
  const std::string stem = model.stem().string();
  return model.parent_path() / (stem.substr(0, stem.find("-00001-of-")) + ".safetensors");
}

// path: inside the goldens, or absolute.
void expect_model(const os::Path& path, Tolerance tolerance) {
  os::ThreadPool pool(2);
  const os::Path whole = kGoldens / path;
  const auto source = formats::ModelSource::open(whole);
  ASSERT_TRUE(source.ok()) << source.error().message();
  const os::Path golden = golden_of(whole);
  expect_logits(*models::Decoder::load(*source, pool).value(), nullptr, golden, tolerance);
  expect_logits(*models::Decoder::load_trainable(*source).value(), nullptr, golden, tolerance);
}

TEST(GoldenLogits, Llama) { expect_model("llama", {1e-4}); }
TEST(GoldenLogits, LlamaTiedBf16Sharded) { expect_model("llama-tied-bf16-sharded", {1e-4}); }
TEST(GoldenLogits, LlamaWithScaledRope) { expect_model("llama-rope-llama3", {1e-4}); }
TEST(GoldenLogits, GgufF16) { expect_model("gguf/f16.gguf", {1e-3}); }
TEST(GoldenLogits, GgufQ8) { expect_model("gguf/q8_0.gguf", {1e-3}); }
TEST(GoldenLogits, GgufQ4) { expect_model("gguf/q4_0.gguf", {1e-3}); }
TEST(GoldenLogits, GgufQ4K) { expect_model("gguf/q4_k_m.gguf", {1e-3}); }
TEST(GoldenLogits, GgufQ6K) { expect_model("gguf/q6_k.gguf", {1e-3}); }

TEST(GoldenLogits, Qwen2) { expect_model("qwen2", {1e-4}); }

// Every family and option of testdata/families (tools/make_family_oracle.py).
TEST(GoldenLogits, Families) {
  const os::Path families = os::Path(LATHE_SOURCE_DIR) / "testdata" / "families";
  std::size_t models = 0;
  for (const auto& entry : std::filesystem::directory_iterator(families)) {
    SCOPED_TRACE(entry.path().filename().string());
    expect_model(entry.path(), {1e-4});
    ++models;
  }
  EXPECT_GE(models, 9u);
}

// Every family as llama.cpp's converter writes it (tools/make_gguf_oracle.py).
TEST(GoldenLogits, GgufFamilies) {
  const os::Path folder = os::Path(LATHE_SOURCE_DIR) / "testdata" / "gguf";
  std::size_t models = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    const bool later_part =
        name.find("-of-") != std::string::npos && name.find("-00001-of-") == std::string::npos;
    if (entry.path().extension() != ".gguf" || later_part) continue;
    SCOPED_TRACE(name);
    // Gemma's norms have their 1 added in f32 there, and its logits spread by 2.4.
    expect_model(entry.path(), {1e-4, true});
    ++models;
  }
  EXPECT_GE(models, 21u);
}

void expect_adapter(const char* name) {
  os::ThreadPool pool(2);
  const auto source = formats::ModelSource::open(kGoldens / "llama").value();
  const auto decoder = models::Decoder::load(source, pool).value();
  const auto adapter = adapters::load_adapter(*decoder, kGoldens / "adapters" / name);
  ASSERT_TRUE(adapter.ok()) << adapter.error().message();
  expect_logits(*decoder, adapter->get(), kGoldens / "adapters" / name / "golden.safetensors",
                {1e-4});
}

TEST(GoldenLogits, LoraAdapter) { expect_adapter("lora-qv"); }
TEST(GoldenLogits, PromptTuningAdapter) { expect_adapter("prompt-tuning"); }

TEST(GoldenLogits, PTuningAdapter) { expect_adapter("p-tuning-mlp"); }

// Every kind of adapter of testdata/adapters (tools/make_adapter_oracle.py).
TEST(GoldenLogits, Adapters) {
  const os::Path testdata = os::Path(LATHE_SOURCE_DIR) / "testdata";
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(testdata / "adapters")) {
    SCOPED_TRACE(entry.path().filename().string());
    const auto config =
        nlohmann::json::parse(os::read_file(entry.path() / "adapter_config.json").value());
    const std::string base = config["base_model_name_or_path"];
    os::ThreadPool pool(2);
    const auto source = formats::ModelSource::open(testdata / "families" / base);
    ASSERT_TRUE(source.ok()) << source.error().message();
    const auto decoder = models::Decoder::load(*source, pool).value();
    const auto adapter = adapters::load_adapter(*decoder, entry.path());
    ASSERT_TRUE(adapter.ok()) << adapter.error().message();
    expect_logits(*decoder, adapter->get(), entry.path() / "golden.safetensors", {1e-4});
    ++count;
  }
  EXPECT_GE(count, 11u);
}

struct Run {
  nlohmann::json json;
  formats::SafetensorsFile start, end, data;
};

Run open_run(const char* name) {
  const os::Path folder = kGoldens / "tuning" / name;
  return {nlohmann::json::parse(os::read_file(folder / "run.json").value()),
          formats::SafetensorsFile::open(folder / "start.safetensors").value(),
          formats::SafetensorsFile::open(folder / "end.safetensors").value(),
          formats::SafetensorsFile::open(folder / "data.safetensors").value()};
}

// PyTorch's names differ from ours by what wraps the module.
const tensor::TensorView* find(const formats::SafetensorsFile& file, const std::string& name) {
  for (const tensor::NamedTensor& t : file.tensors()) {
    std::string plain = t.name;
    for (const char* part : {"base_model.model.", ".default"}) {
      if (const auto at = plain.find(part); at != std::string::npos)
        plain.erase(at, std::strlen(part));
    }
    if (plain == name || (name == "prompt_embeddings" && plain.starts_with("prompt_encoder")))
      return &t.view;
  }
  return nullptr;
}

void expect_run(const Run& run, const models::Decoder& decoder,
                const models::SequenceAdapters& adapters,
                std::vector<models::Parameter*> learning) {
  for (models::Parameter* p : learning) {
    const tensor::TensorView* view = find(run.start, p->name);
    ASSERT_NE(view, nullptr) << p->name;
    const auto values = tensor::to_f32(*view).value();
    ASSERT_EQ(values.size(), p->values.size());
    std::copy(values.begin(), values.end(), p->values.begin());
  }
  LearnerOptions options;
  options.adamw = {run.json["betas"][0], run.json["betas"][1], run.json["eps"],
                   run.json["weight_decay"], true};
  options.clip = run.json["clip"];
  options.rows_per_pass = 60;  // two passes a step
  os::ThreadPool pool(2);
  Learner learner(decoder, adapters, learning, options, pool);
  const auto ids = ints(run.data.tensor("ids").value());
  const auto labels = ints(run.data.tensor("labels").value());
  for (std::size_t step = 0; step < 20; ++step) {
    std::vector<Example> examples(4);
    std::vector<const Example*> batch;
    for (std::size_t i = 0; i < 4; ++i) {
      for (std::size_t t = 0; t < 24; ++t) {
        const std::size_t at = (step * 4 + i) * 24 + t;
        examples[i].tokens.push_back(static_cast<std::int32_t>(ids[at]));
        examples[i].weights.push_back(labels[at] == -100 ? 0.0f : 1.0f);
      }
      batch.push_back(&examples[i]);
    }
    const auto report = learner.step(batch, run.json["lr"]);
    ASSERT_TRUE(report.ok()) << report.error().message();
    EXPECT_NEAR(report->loss, run.json["losses"][step].get<double>(), 1e-4) << "step " << step;
    EXPECT_NEAR(report->gradient_norm, run.json["grad_norms"][step].get<double>(), 1e-3)
        << "step " << step;
  }
  for (const models::Parameter* p : learning) {
    const auto want = tensor::to_f32(*find(run.end, p->name)).value();
    for (std::size_t i = 0; i < want.size(); ++i)
      ASSERT_NEAR(p->values[i], want[i], 1e-4) << p->name;
  }
}

std::unique_ptr<models::Decoder> trainable_llama() {
  return models::Decoder::load_trainable(formats::ModelSource::open(kGoldens / "llama").value())
      .value();
}

TEST(GoldenTuning, Full) {
  const auto decoder = trainable_llama();
  std::vector<models::Parameter*> learning;
  for (models::Parameter& p : decoder->parameters()) {
    decoder->set_learning(p, true);
    learning.push_back(&p);
  }
  expect_run(open_run("full"), *decoder, {}, learning);
}

void expect_adapter_run(const char* name, const models::Decoder& decoder,
                        adapters::Adapter& adapter) {
  adapter.set_learning(true);
  std::vector<models::Parameter*> learning;
  for (models::Parameter& p : adapter.parameters()) learning.push_back(&p);
  expect_run(open_run(name), decoder, adapter.view(), learning);
}

TEST(GoldenTuning, Lora) {
  const auto decoder = trainable_llama();
  formats::LoraConfig config;
  config.rank = 4;
  config.alpha = 8;
  config.target_modules = {"q_proj", "v_proj"};
  expect_adapter_run("lora", *decoder, *adapters::LoraAdapter::make(*decoder, config, 1).value());
}

TEST(GoldenTuning, Prompt) {
  const auto decoder = trainable_llama();
  const std::vector<std::int32_t> init = {0};
  expect_adapter_run("prompt", *decoder, *adapters::SoftPrompt::make(*decoder, 5, init).value());
}

}  // namespace
}  // namespace lathe::training
