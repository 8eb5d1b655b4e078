// Rewritings of text that normalizers of tokenizer.json are made of, with the meaning and the
// Unicode tables that they have there. Pure functions: valid UTF-8 in and out.
#pragma once

#include <string>
#include <string_view>

namespace lathe::text {

// BertNormalizer, in the order in which the parts run.
struct BertNormalization {
  bool clean_text = true;            // control characters vanish, white space becomes a space
  bool handle_chinese_chars = true;  // a space on both sides of each ideograph
  bool strip_accents = true;         // NFD without nonspacing marks
  bool lowercase = true;
};
std::string bert_normalize(std::string_view text, const BertNormalization& how);

// StripAccents: combining marks vanish; letters that are one with their accent stay.
std::string strip_accents(std::string_view text);

// Nmt: some control characters vanish, some others and odd spaces become a space.
std::string nmt_normalize(std::string_view text);

}  // namespace lathe::text
