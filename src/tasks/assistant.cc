#include "tasks/assistant.h"

namespace lathe::tasks {

const char* to_string(AdaptationSource::Kind kind) {
  using Kind = AdaptationSource::Kind;
  switch (kind) {
    case Kind::prompt:
      return "prompt";
    case Kind::knowledge:
      return "knowledge";
    case Kind::soft_prompt:
      return "soft-prompt";
    case Kind::lora:
      return "lora";
  }
  return "prompt";
}

Status Assistant::add(const AdaptationSource& source) {
  using Kind = AdaptationSource::Kind;
  switch (source.kind) {
    case Kind::prompt: {
      if (prompt_) return Error::bad_input("a second prompt adaptation; a reference takes one");
      LATHE_TRY(prompting::PromptAdaptation adaptation,
                prompting::read_prompt_adaptation(source.path));
      LATHE_TRY(prompt_, prompting::PromptApplier::build(std::move(adaptation)));
      return {};
    }
    case Kind::knowledge: {
      if (knowledge_) return Error::bad_input("a second knowledge base; a reference takes one");
      LATHE_TRY(knowledge_, retrieval::KnowledgeBase::open(source.path));
      return {};
    }
    case Kind::soft_prompt:
    case Kind::lora: {
      LATHE_TRY(std::unique_ptr<adapters::Adapter> adapter,
                adapters::load_adapter(model_->decoder(), source.path));
      adapters_.push_back(std::move(adapter));
      return {};
    }
  }
  return Error::internal("an adaptation of no known kind");
}

Result<std::shared_ptr<const Assistant>> Assistant::make(
    std::shared_ptr<LoadedModel> model, std::span<const AdaptationSource> adaptations) {
  std::shared_ptr<Assistant> assistant(new Assistant());
  assistant->model_ = std::move(model);
  for (const AdaptationSource& source : adaptations) {
    LATHE_CHECK(assistant->add(source).at("adaptation " + source.name));
  }
  LATHE_TRY(assistant->set_, adapters::AdapterSet::make(assistant->adapters_));
  return std::shared_ptr<const Assistant>(std::move(assistant));
}

Result<std::vector<prompting::Passage>> Assistant::passages(const std::string& question) const {
  std::vector<prompting::Passage> out;
  if (!knowledge_) return out;
  const std::size_t wanted = prompt_ ? prompt_->adaptation().passages : 0;
  LATHE_TRY(const std::vector<retrieval::Hit> hits,
            knowledge_->search(question, wanted > 0 ? wanted : kPassages));
  for (const retrieval::Hit& hit : hits) {
    out.push_back({hit.title, hit.text, hit.document + "#" + std::to_string(hit.chunk)});
  }
  return out;
}

void Assistant::put_soft_prompt(std::vector<std::int32_t>& tokens) const {
  std::vector<std::int32_t> rows;
  for (std::size_t i = 0; i < set_->virtual_tokens(); ++i)
    rows.push_back(-1 - static_cast<std::int32_t>(i));
  tokens.insert(tokens.begin(), rows.begin(), rows.end());
}

Result<PreparedPrompt> Assistant::prepare(std::span<const text::Message> conversation,
                                          const AnswerOptions& options) const {
  LATHE_TRY(const text::ChatEncoder* chat, model_->chat());
  if (conversation.empty())
    return Error::bad_input("the conversation has no message").at("messages");
  PreparedPrompt out;
  if (!prompt_ && !knowledge_) {
    out.messages.assign(conversation.begin(), conversation.end());
  } else {
    LATHE_TRY(out.passages, passages(conversation.back().content));
    prompting::PromptParts parts;
    parts.conversation.assign(conversation.begin(), conversation.end());
    parts.passages = out.passages;
    if (prompt_) {
      LATHE_TRY(parts, prompt_->parts(std::move(parts.conversation), std::move(parts.passages)));
    }
    const prompting::Budget budget = {
        engine().capacity(), options.max_tokens.value_or(kAnswerReserve) + set_->virtual_tokens()};
    LATHE_TRY(
        prompting::BuiltPrompt built,
        prompting::build_prompt(
            parts, budget, [&](std::span<const text::Message> messages) -> Result<std::size_t> {
              LATHE_TRY(const auto tokens, chat->encode_prompt(messages));
              return tokens.size();
            }));
    out.messages = std::move(built.messages);
    out.left_out = std::move(built.budget.left_out);
  }
  LATHE_TRY(out.tokens, chat->encode_prompt(out.messages));
  put_soft_prompt(out.tokens);
  return out;
}

Result<PreparedPrompt> Assistant::prepare_completion(std::string_view text) const {
  PreparedPrompt out;
  text::EncodeOptions options;
  options.add_special_tokens = true;
  LATHE_TRY(out.tokens, model_->tokenizer().encode(text, options));
  put_soft_prompt(out.tokens);
  return out;
}

engine::GenerationRequest Assistant::request(const PreparedPrompt& prompt,
                                             const AnswerOptions& options) const {
  engine::GenerationRequest request;
  request.prompt = prompt.tokens;
  request.adapters = engine::Adapters(set_, &set_->view());
  request.sampling = options.sampling;
  request.stop = options.stop;
  request.max_tokens = options.max_tokens;
  return request;
}

Result<engine::Answer> Assistant::answer(std::span<const text::Message> conversation,
                                         const AnswerOptions& options) const {
  LATHE_TRY(const PreparedPrompt prompt, prepare(conversation, options));
  return engine().generate(request(prompt, options));
}

}  // namespace lathe::tasks
