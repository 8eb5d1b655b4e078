// Trains a byte-level BPE vocabulary from texts.
//
// The vocabulary is: the special tokens in their order, the 256 byte tokens in the order of their
// code points in the byte-level alphabet, then one token a merge. Each step merges the most
// frequent pair of neighbouring tokens inside words; ties go to the smaller left id, then the
// smaller right id. The result depends on the texts' words and counts alone, so the order of the
// texts does not matter and two runs are equal.
//
// Special tokens found in the texts are cut out and not counted. Bytes that are not UTF-8 are
// replaced as in Tokenizer::encode(). Memory: the distinct words of the texts.
// Source: Sennrich, Haddow, Birch: Neural Machine Translation of Rare Words with Subword Units
// (2016); byte alphabet: GPT-2.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "base/result.h"
#include "text/tokenizer.h"

namespace lathe::text {

struct BpeTrainOptions {
  std::int32_t vocab_size = 2000;                // everything: special tokens, bytes and merges
  std::int64_t min_frequency = 2;                // a pair seen less often is never merged
  std::int32_t max_token_bytes = 64;             // a merge that would be longer is never made
  std::vector<std::string> special_tokens = {};  // control tokens; ids 0, 1, … in this order
  // How text is cut into words, by the name that GGUF files carry as tokenizer.ggml.pre
  // (pre_tokenizer_names.h): "smollm" cuts digits singly, then as GPT-2; "gpt-2" keeps numbers
  // whole; "llama-bpe" cuts them in threes.
  std::string pre_tokenizer = "smollm";
  std::string bos_token = {};  // one of special_tokens, or empty for none
  std::string eos_token = {};
};

// Puts the next text into its argument and returns true, or returns false at the end.
using TextSource = FunctionRef<bool(std::string& text)>;

// The vocabulary may be smaller than asked when the texts have too few pairs of min_frequency.
// Errors: vocab_size too small for bytes and special tokens, a doubled or empty special token, an
// unknown pre_tokenizer, a bos or eos that is not a special token, no text, one of 256 MiB.
Result<Tokenizer> train_bpe(TextSource texts, const BpeTrainOptions& options);
Result<Tokenizer> train_bpe(std::span<const std::string> texts, const BpeTrainOptions& options);

}  // namespace lathe::text
