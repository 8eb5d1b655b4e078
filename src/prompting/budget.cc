#include "prompting/budget.h"

#include <fmt/format.h>

namespace lathe::prompting {
namespace {

Error does_not_fit(std::size_t tokens, const Budget& budget, std::size_t limit) {
  return Error::limit(fmt::format("the prompt has {} tokens, and at most {} fit: the context holds "
                                  "{} and {} are kept for the answer",
                                  tokens, limit, budget.context_length, budget.answer_reserve))
      .fix_with(fmt::format("make the prompt {} tokens shorter, or ask for a shorter answer",
                            tokens - limit));
}

}  // namespace

Result<BudgetPlan> plan_budget(const Budget& budget, std::span<const std::string> optional_parts,
                               PromptTokenCounter count) {
  if (budget.answer_reserve >= budget.context_length) {
    return Error::limit(fmt::format("the context holds {} tokens, and {} are asked for the answer",
                                    budget.context_length, budget.answer_reserve))
        .fix_with("ask for a shorter answer");
  }
  BudgetPlan plan;
  plan.prompt_limit = budget.context_length - budget.answer_reserve;
  plan.included.assign(optional_parts.size(), true);
  LATHE_TRY(plan.prompt_tokens, count(plan.included));  // the usual case: everything fits
  if (plan.prompt_tokens <= plan.prompt_limit) return plan;
  if (optional_parts.empty()) return does_not_fit(plan.prompt_tokens, budget, plan.prompt_limit);

  plan.included.assign(optional_parts.size(), false);
  LATHE_TRY(plan.prompt_tokens, count(plan.included));
  if (plan.prompt_tokens > plan.prompt_limit) {
    return does_not_fit(plan.prompt_tokens, budget, plan.prompt_limit);
  }
  for (std::size_t i = 0; i < optional_parts.size(); ++i) {
    plan.included[i] = true;
    LATHE_TRY(const std::size_t tokens, count(plan.included));
    if (tokens <= plan.prompt_limit) {
      plan.prompt_tokens = tokens;
      continue;
    }
    plan.included[i] = false;
    plan.left_out.push_back({i, optional_parts[i], tokens - plan.prompt_limit});
  }
  return plan;
}

}  // namespace lathe::prompting
