#include "cli/card_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/conversion_text.h"
#include "cli/output.h"

namespace lathe::cli {
namespace {

class Page {
 public:
  // Nothing is said where there is nothing.
  void line(const char* label, const std::string& value) {
    if (!value.empty()) text_ += fmt::format("{:<13} {}\n", label, value);
  }
  void more(const std::string& value) { line("", value); }
  void add(const std::string& text) { text_ += text; }
  std::string text() && { return std::move(text_); }

 private:
  std::string text_;
};

std::string rope_text(const formats::RopeConfig& rope) {
  using Kind = formats::RopeScaling::Kind;
  const formats::RopeScaling& scaling = rope.scaling;
  std::string text = fmt::format("rotary, theta {}", rope.theta);
  switch (scaling.kind) {
    case Kind::none:
      return text;
    case Kind::factors:
      return text + ", a factor for each frequency";
    case Kind::longrope:
      return text +
             fmt::format(", longrope, first trained with {} tokens", scaling.original_positions);
    case Kind::linear:
    case Kind::dynamic:
    case Kind::llama3:
    case Kind::yarn:
      break;
  }
  const char* name = scaling.kind == Kind::linear    ? "linear"
                     : scaling.kind == Kind::dynamic ? "dynamic"
                     : scaling.kind == Kind::llama3  ? "llama3"
                                                     : "yarn";
  return text + fmt::format(", {} scaling by {}", name, scaling.factor);
}

std::string positions_text(const formats::DecoderConfig& config) {
  switch (config.positions) {
    case formats::PositionKind::learned:
      return "learned";
    case formats::PositionKind::alibi:
      return "ALiBi";
    case formats::PositionKind::rotary:
      break;
  }
  return rope_text(config.rope);
}

void add_shape(const formats::DecoderConfig& config, Page& page) {
  page.line("shape", fmt::format("{} layers of width {}, MLP {}", config.layers, config.hidden_size,
                                 config.intermediate_size));
  if (config.experts.count > 0)
    page.more(fmt::format("{} experts, {} used by each token", config.experts.count,
                          config.experts.used));
  page.line("attention", fmt::format("{} heads of {}, {} of keys and values", config.heads,
                                     config.head_dim, config.kv_heads));
  page.line("positions", positions_text(config));
  page.line("context", fmt::format("{} tokens", formats::context_limit(config)));
  page.line("vocabulary", fmt::format("{} rows{}", config.vocab_size,
                                      config.tied_embeddings ? ", shared with the head" : ""));
}

void add_shape(const formats::EncoderConfig& config, const formats::EmbeddingConfig& embedding,
               Page& page) {
  page.line("shape", fmt::format("{} layers of width {}, MLP {}", config.layers, config.hidden_size,
                                 config.intermediate_size));
  page.line("attention",
            fmt::format("{} heads of {}", config.heads, config.hidden_size / config.heads));
  page.line("context", fmt::format("{} tokens", embedding.max_tokens));
  page.line("vocabulary", fmt::format("{} rows", config.vocab_size));
  page.line("vectors",
            fmt::format("{} pooling{}",
                        embedding.pooling ? formats::name_of(*embedding.pooling) : "no stated",
                        embedding.normalised ? ", divided by their length" : ""));
}

void add_weights(const host::ModelCard& card, Page& page) {
  const char* label = "weights";
  for (const formats::WeightsOfType& of : card.weights) {
    page.line(label, fmt::format("{:<5} {} {}, {}, {}", tensor::to_string(of.dtype), of.tensors,
                                 of.tensors == 1 ? "tensor" : "tensors",
                                 human_count(of.parameters) + " values", human_bytes(of.bytes)));
    label = "";
  }
  page.line("on disk", human_bytes(card.record.size_bytes));
  page.line("in memory",
            fmt::format("{} = weights {} + cache {} ({} a token, {} tokens)",
                        human_bytes(card.memory.total()), human_bytes(card.memory.weights),
                        human_bytes(card.memory.cache), human_bytes(card.memory.cache_per_token),
                        card.memory.context));
}

void add_texts(const host::ModelCard& card, Page& page) {
  const host::TokenizerFacts& t = card.tokenizer;
  page.line("tokenizer", fmt::format("{}, {} tokens, {}", t.kind, t.tokens, t.hash));
  const auto or_none = [](const std::string& s) { return s.empty() ? std::string("none") : s; };
  page.more(fmt::format("begin {}, end {}", or_none(t.bos), or_none(t.eos)));
  const host::TemplateFacts& c = card.chat_template;
  if (card.encoder) return;
  if (!c.there) return page.line("chat", "no template: it takes completions");
  std::vector<std::string> takes;
  if (c.system) takes.push_back("system messages");
  if (c.tools) takes.push_back("tools");
  if (c.generation_prompt) takes.push_back("a generation prompt");
  page.line("chat",
            fmt::format("a template with {}, {}",
                        takes.empty() ? "turns alone" : fmt::format("{}", fmt::join(takes, ", ")),
                        card.record.template_hash));
}

void add_origin(const host::ModelOrigin& origin, Page& page) {
  page.line("licence", origin.license.empty() ? "not stated" : origin.license);
  page.more(origin.license_link);
  page.more(origin.problem);
  page.line("source", origin.source + (origin.revision.empty() ? "" : " at " + origin.revision));
  page.line("authors", origin.authors);
  page.line("made from", fmt::format("{}", fmt::join(origin.base_models, ", ")));
  page.line("purpose", origin.purpose);
  page.line("languages", fmt::format("{}", fmt::join(origin.languages, ", ")));
  page.line("tags", shortened(fmt::format("{}", fmt::join(origin.tags, ", ")), 100));
}

void add_certificates(const host::ModelCard& card, Page& page) {
  if (card.certificates.empty()) return page.line("certificate", "none: not converted by Lathe");
  page.line("certificate", card.is_certified() ? "of these weights"
                                               : "of other weights: converted again without one");
  for (const evaluation::Certificate& c : card.certificates)
    page.add(certificate_text(c, std::string(14, ' ')));
}

}  // namespace

std::string card_text(const host::ModelCard& card) {
  const store::ModelRecord& record = card.record;
  Page page;
  page.line("name", record.name);
  page.line("family", fmt::format("{} ({})", record.family, record.kind));
  page.line("parameters",
            fmt::format("{} ({})", human_count(record.parameters), record.parameters));
  if (card.encoder) {
    add_shape(*card.encoder, card.embedding, page);
  } else {
    add_shape(*card.decoder, page);
  }
  add_weights(card, page);
  add_texts(card, page);
  add_origin(card.origin, page);
  add_certificates(card, page);
  page.line("adaptations", card.adaptations.empty()
                               ? "none"
                               : fmt::format("{}", fmt::join(card.adaptations, ", ")));
  page.line("fingerprint", record.fingerprint);
  page.line("imported", human_time(record.created));
  page.line("path", card.path.string());
  return std::move(page).text();
}

}  // namespace lathe::cli
