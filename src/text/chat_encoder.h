// From messages to token ids: the one place where a chat template and a tokenizer meet. Training,
// evaluation and serving all go through it, so that what was trained is what is served.
//
// A rendered chat is encoded piece by piece, cut where an answer begins and ends, so that the
// tokens in front of an answer are the same whether the answer is being trained on or still to be
// written. Exactly one BOS stands in front, if the tokenizer has one: the template's or the
// post-processor's, decided on ids.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"

namespace lathe::text {

// Tokens of a whole conversation; learned[i] says that token i belongs to an answer (its end of
// turn included).
struct EncodedChat {
  std::vector<std::int32_t> tokens;
  std::vector<bool> learned;
};

class ChatEncoder {
 public:
  ChatEncoder(Tokenizer tokenizer, ChatTemplate chat_template)
      : tokenizer_(std::move(tokenizer)), template_(std::move(chat_template)) {}

  const Tokenizer& tokenizer() const { return tokenizer_; }
  const ChatTemplate& chat_template() const { return template_; }

  // The prompt that an answer follows: everything, then what opens the assistant's turn.
  Result<std::vector<std::int32_t>> encode_prompt(std::span<const Message> messages,
                                                  const RenderOptions& options = {}) const;
  // A conversation with its answers, for training.
  Result<EncodedChat> encode_training(std::span<const Message> messages) const;
  // Text outside any template, with the tokenizer's own control tokens around it.
  Result<std::vector<std::int32_t>> encode_plain(std::string_view text) const;

 private:
  Result<std::vector<std::int32_t>> encode_rendered(std::string_view text, bool first) const;

  Tokenizer tokenizer_;
  ChatTemplate template_;
};

}  // namespace lathe::text
