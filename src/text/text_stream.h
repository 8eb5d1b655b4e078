// A detokenizing stream: token ids go in one by one, text comes out as soon as its characters are
// whole. Used by generation to stream answers.
//
// For ids that encode() made, and for any ids of a byte-level tokenizer, the pieces of a stream put
// together equal Tokenizer::decode() of all ids. The one difference: where a run of byte-fallback
// tokens (<0x..>) is not valid UTF-8, decode() replaces the whole run, while the stream has handed
// out the characters before the damage already. encode() makes such a run only of a text that
// spells a byte token (`<0xF3>`) where the tokenizer has those among its added ones.
//
// Not thread-safe: one stream belongs to one answer. Holds a copy of the Tokenizer (cheap).
#pragma once

#include <cstdint>
#include <string>

#include "text/tokenizer.h"

namespace lathe::text {

class TextStream {
 public:
  explicit TextStream(Tokenizer tokenizer, DecodeOptions options = {});

  // The text that this token completes: valid UTF-8, possibly empty, never half a character.
  std::string push(std::int32_t id);

  // The end: what is still pending, an incomplete character as U+FFFD. The stream starts anew.
  std::string flush();

 private:
  // What the last token adds beyond what is out already, by whether another one follows.
  struct OpenEnd {
    std::string in_the_middle, at_the_end;
  };
  void append(std::size_t index);
  std::string take_complete(bool at_end);
  std::string strip(std::string text, bool at_end);
  void restart();

  Tokenizer tokenizer_;
  DecodeOptions options_;
  std::string pending_;    // bytes that wait for the rest of their character
  std::string held_back_;  // text that a decoder may still strip from the end
  OpenEnd open_end_;
  std::int32_t last_id_ = -1;
  std::int32_t strip_left_ = 0;  // characters that may still be stripped from the start
  bool pending_is_fallback_ = false;
  bool first_ = true;
};

}  // namespace lathe::text
