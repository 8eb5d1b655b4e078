#include "cli/conversion_text.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/output.h"

namespace lathe::cli {
namespace {

std::string line_of(const nlohmann::json& change) {
  const auto from = change.value("from", std::string());
  const auto to = change.value("to", std::string());
  const auto reason = change.value("reason", std::string());
  const auto count = change.value("tensors", std::int64_t{0});
  std::string line = fmt::format("  {:<5} {} {}", to, count, count == 1 ? "tensor" : "tensors");
  line += from == to ? ", as before" : ", from " + from;
  line += ", " + human_bytes(change.value("bytes_after", std::int64_t{0}));
  if (!reason.empty()) line += " (" + reason + ")";
  return line + "\n";
}

}  // namespace

std::string conversion_text(const nlohmann::json& report) {
  std::string text;
  for (const nlohmann::json& change : report) text += line_of(change);
  return text;
}

std::string certificate_text(const evaluation::Certificate& c, const std::string& indent) {
  const auto line = [&indent](const char* label, const std::string& value) {
    return fmt::format("{}{:<24} {}\n", indent, label, value);
  };
  std::string text = line("conversion", c.from + " to " + c.to);
  text += line("perplexity", fmt::format("{:.4f}, was {:.4f} ({:+.2f} %)", c.perplexity_after,
                                         c.perplexity_before,
                                         100 * (c.perplexity_after / c.perplexity_before - 1)));
  text += line("KL divergence",
               fmt::format("{:.2g} nats a token, at most {:.2g}", c.mean_kl, c.max_kl));
  text += line("same likeliest token", fmt::format("{:.1f} %", 100 * c.same_top_token));
  text += line("largest logit difference", fmt::format("{:.3g}", c.max_logit_difference));
  text += line("measured on",
               fmt::format("{} tokens in pieces of {}, text {}, kernels {}, {}", c.tokens, c.piece,
                           c.text_hash, c.kernels, human_time(c.made)));
  if (c.unknown_tokens > 0)
    text +=
        line("", fmt::format("{} of the tokens are unknown to the vocabulary", c.unknown_tokens));
  return text;
}

}  // namespace lathe::cli
