// The `prompt` adaptation: what is said to a model around the user's text, as a JSON file.
//
//   {
//     "format": "lathe-prompt", "version": 1,
//     "system": "You are the help desk of …",            optional
//     "template": "Question: {input}",                   optional, with {input} once
//     "examples": [{"input": "…", "output": "…"}],       optional
//     "selection": "similar",                            "fixed" (the first ones, in order; if not
//                                                        given) or "similar" (to the user's text)
//     "shots": 4,                                        how many examples a prompt shows; all of
//                                                        them, up to kMaxShots, if not given
//     "diverse": true,                                   optional, with "similar": few_shot.h
//     "passages": 3                                      optional: passages asked of a knowledge
//     base
//   }
//
// Every field is checked and an unknown one is an error. Pure but for the files.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "os/file.h"
#include "prompting/few_shot.h"
#include "prompting/prompt_builder.h"
#include "text/chat_template.h"

namespace lathe::prompting {

inline constexpr std::size_t kMaxShots = 64;
inline constexpr std::size_t kMaxPassages = 64;
inline constexpr std::size_t kMaxExamples = 100'000;
inline constexpr std::size_t kMaxPromptFileBytes = std::size_t{64} << 20;

enum class ExampleSelection { fixed, similar };

struct PromptAdaptation {
  std::string system;
  std::string input_template;
  std::vector<Example> examples;
  ExampleSelection selection = ExampleSelection::fixed;
  std::size_t shots = 0;         // at most examples.size()
  bool diverse_outputs = false;  // with ExampleSelection::similar
  std::size_t passages = 0;      // 0: as the knowledge base's caller likes
  bool operator==(const PromptAdaptation&) const = default;
};

// bad_input that names the field: not UTF-8, a template without {input}, too many of something, an
// example with nothing in it, nothing set at all.
Status check_prompt_adaptation(const PromptAdaptation& adaptation);

Result<PromptAdaptation> parse_prompt_adaptation(std::string_view json);
// REQUIRES: check_prompt_adaptation(adaptation).ok().
std::string to_json(const PromptAdaptation& adaptation);

// The file, whole or not at all. Errors: those above, not_found, io; each names the file.
Result<PromptAdaptation> read_prompt_adaptation(const os::Path& file);
Status write_prompt_adaptation(const os::Path& file, const PromptAdaptation& adaptation);

// An adaptation ready to be used: its examples indexed once. Immutable; any number of threads may
// use one.
class PromptApplier {
 public:
  static Result<PromptApplier> build(PromptAdaptation adaptation);

  // The parts of a prompt for this conversation: system text, template, and the examples chosen by
  // the last user turn. Passages are the caller's (adaptation().passages says how many are wanted).
  // Errors: bad_input (a conversation without a last user turn); those of ExampleSelector.
  Result<PromptParts> parts(std::vector<text::Message> conversation,
                            std::vector<Passage> passages = {}) const;

  const PromptAdaptation& adaptation() const { return adaptation_; }

 private:
  PromptApplier(PromptAdaptation adaptation, std::optional<ExampleSelector> selector)
      : adaptation_(std::move(adaptation)), selector_(std::move(selector)) {}

  PromptAdaptation adaptation_;
  std::optional<ExampleSelector> selector_;  // with ExampleSelection::similar
};

}  // namespace lathe::prompting
