// Continuing the last message instead of answering it: its text gets a mark, the conversation is
// rendered, and the render ends where the mark stands. As transformers' continue_final_message
// (src/transformers/utils/chat_template_utils.py), its mark included, since a template may look at
// a text's length or end. Internal to src/text.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "text/jinja/value.h"

namespace lathe::text {

struct MarkedMessages {
  std::vector<jinja::Value> messages;
  std::string final_text;  // of the last message, without the mark
};

// Errors: bad_input when there is no message, or no text in the last one.
Result<MarkedMessages> mark_final_message(const std::vector<jinja::Value>& messages);

// The render up to the mark. Errors: unsupported when the template leaves the text or the mark out.
Result<std::string> cut_at_mark(std::string rendered, const std::string& final_text);

}  // namespace lathe::text
