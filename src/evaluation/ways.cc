#include "evaluation/ways.h"

#include <fmt/format.h>

namespace lathe::evaluation {

const char* to_string(Way way) {
  switch (way) {
    case Way::zero_shot:
      return "zero-shot";
    case Way::few_shot:
      return "few-shot";
    case Way::retrieval:
      return "retrieval";
    case Way::prompt_tuning:
      return "prompt-tuning";
    case Way::lora:
      return "lora";
    case Way::lora_retrieval:
      return "lora+retrieval";
    case Way::lora_on_retrieval:
      return "lora-on-retrieval";
  }
  return "?";
}

Result<Way> parse_way(std::string_view name) {
  std::string known;
  for (const Way way : kAllWays) {
    if (name == to_string(way)) return way;
    known += (known.empty() ? "" : ", ") + std::string(to_string(way));
  }
  return Error::bad_input(fmt::format("'{}' is no way of adapting", name.substr(0, 64)))
      .fix_with("choose among " + known);
}

const char* describe(Way way) {
  switch (way) {
    case Way::zero_shot:
      return "the model as it is";
    case Way::few_shot:
      return "training rows like the question, shown as earlier turns";
    case Way::retrieval:
      return "passages of the documents in the prompt";
    case Way::prompt_tuning:
      return "a soft prompt learned from the training rows";
    case Way::lora:
      return "low-rank updates learned from the training rows";
    case Way::lora_retrieval:
      return "that LoRA, and passages in the prompt";
    case Way::lora_on_retrieval:
      return "a LoRA that learned from the training rows with their passages";
  }
  return "?";
}

bool uses_documents(Way way) {
  return way == Way::retrieval || way == Way::lora_retrieval || way == Way::lora_on_retrieval;
}

bool uses_training(Way way) {
  return way == Way::prompt_tuning || way == Way::lora || way == Way::lora_retrieval ||
         way == Way::lora_on_retrieval;
}

bool uses_examples(Way way) { return way == Way::few_shot; }

training::TuneOptions CompareOptions::lora_defaults() {
  training::TuneOptions options;
  options.method = training::TuneMethod::lora;
  options.lora.rank = 8;
  options.lora.alpha = 16;
  options.lora.target_modules = {"q_proj",    "k_proj",  "v_proj",   "o_proj",
                                 "gate_proj", "up_proj", "down_proj"};
  options.epochs = 6;
  return options;
}

training::TuneOptions CompareOptions::prompt_tuning_defaults() {
  training::TuneOptions options;
  options.method = training::TuneMethod::prompt;
  options.virtual_tokens = 16;
  options.epochs = 8;
  return options;
}

}  // namespace lathe::evaluation
