// The one token budgeter: decides which optional parts of a prompt fit into the context beside the
// answer, and says which do not. Nothing is shortened: a part is in or out.
//
// Counts are of whole prompts, rendered and tokenized by the caller, not sums over parts: a chat
// template and a tokenizer may join parts in any way. Pure function of its arguments.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "base/function_ref.h"
#include "base/result.h"

namespace lathe::prompting {

struct Budget {
  std::size_t context_length = 0;  // tokens that the model can hold
  std::size_t answer_reserve = 0;  // tokens of it kept for the answer
};

// A part that did not fit.
struct LeftOut {
  std::size_t part = 0;         // its index in the list of optional parts
  std::string name;             // as given: "passage 2 (battery.md)"
  std::size_t tokens_over = 0;  // how far past the budget the prompt would have gone with it
};

struct BudgetPlan {
  std::vector<bool> included;     // for each optional part
  std::vector<LeftOut> left_out;  // in rank order
  std::size_t prompt_tokens = 0;  // of the prompt with the included parts
  std::size_t prompt_limit = 0;   // context_length - answer_reserve
};

// The tokens of the prompt that holds the mandatory parts and the optional ones marked true.
using PromptTokenCounter = FunctionRef<Result<std::size_t>(const std::vector<bool>& included)>;

// optional_parts: their names, best first. A part is taken when the prompt of all parts taken so
// far and itself fits; a part that does not fit leaves the room to those after it. Calls count at
// most optional_parts.size() + 2 times. Errors: limit, with the counts, when the mandatory parts
// alone do not fit; those of count.
Result<BudgetPlan> plan_budget(const Budget& budget, std::span<const std::string> optional_parts,
                               PromptTokenCounter count);

}  // namespace lathe::prompting
