// A loaded model with the adaptations that a reference names: everything between a conversation and
// an answer. `lathe run`, the server, evaluation and compare all answer through it, so that what is
// evaluated is what is served.
//
// Adaptations work together: a prompt adaptation gives system text, template and examples; a
// knowledge base gives passages; LoRA and a soft prompt go into the forward pass.
//
// Thread-safe: immutable.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "adapters/adapter.h"
#include "prompting/prompt_adaptation.h"
#include "retrieval/knowledge_base.h"
#include "tasks/loaded_model.h"

namespace lathe::tasks {

// One adaptation on disk. path: a PEFT folder (lora, soft_prompt), a prompt file (prompt), a
// knowledge base (knowledge).
struct AdaptationSource {
  enum class Kind { prompt, knowledge, soft_prompt, lora };
  Kind kind = Kind::prompt;
  std::string name;
  os::Path path;
};

// "prompt", "knowledge", "soft-prompt", "lora": as the store and the command line name them.
const char* to_string(AdaptationSource::Kind kind);

// A prompt as the model will read it.
struct PreparedPrompt {
  std::vector<std::int32_t> tokens;          // soft prompt rows in front as -1, -2, …
  std::vector<text::Message> messages;       // what was rendered
  std::vector<prompting::Passage> passages;  // those that were retrieved
  std::vector<prompting::LeftOut> left_out;  // passages and examples that did not fit
};

struct AnswerOptions {
  decode::SamplingOptions sampling;
  std::vector<std::string> stop;
  std::optional<std::size_t> max_tokens;  // absent: as many as there is room for
};

class Assistant {
 public:
  // Errors: an adaptation that cannot be read, or that does not fit the model or the others.
  static Result<std::shared_ptr<const Assistant>> make(
      std::shared_ptr<LoadedModel> model, std::span<const AdaptationSource> adaptations);

  // Tokens kept for an answer when its length is not bounded by the caller.
  static constexpr std::size_t kAnswerReserve = 128;
  // Passages asked of a knowledge base when the prompt adaptation does not say.
  static constexpr std::size_t kPassages = 3;

  // Retrieves, chooses examples, budgets, renders, tokenizes. Errors: limit with the counts when
  // the conversation alone does not fit; bad_input when the template refuses.
  Result<PreparedPrompt> prepare(std::span<const text::Message> conversation,
                                 const AnswerOptions& options = {}) const;
  // A plain text to be continued: no template, no prompt adaptation, no passages.
  Result<PreparedPrompt> prepare_completion(std::string_view text) const;

  engine::GenerationRequest request(const PreparedPrompt& prompt,
                                    const AnswerOptions& options) const;
  // prepare, generate, wait.
  Result<engine::Answer> answer(std::span<const text::Message> conversation,
                                const AnswerOptions& options = {}) const;

  // Whether a prompt adaptation or a knowledge base takes part; completions go past both.
  bool shapes_conversations() const { return prompt_.has_value() || knowledge_.has_value(); }

  const LoadedModel& model() const { return *model_; }
  engine::Engine& engine() const { return model_->engine(); }

 private:
  Assistant() = default;
  Status add(const AdaptationSource& source);
  Result<std::vector<prompting::Passage>> passages(const std::string& question) const;
  void put_soft_prompt(std::vector<std::int32_t>& tokens) const;

  std::shared_ptr<LoadedModel> model_;
  std::vector<std::shared_ptr<const adapters::Adapter>> adapters_;
  std::shared_ptr<const adapters::AdapterSet> set_;
  std::optional<prompting::PromptApplier> prompt_;
  mutable std::optional<retrieval::KnowledgeBase> knowledge_;  // thread-safe itself
};

}  // namespace lathe::tasks
