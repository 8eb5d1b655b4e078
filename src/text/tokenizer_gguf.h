// A tokenizer as the metadata of a GGUF file (the way back is Tokenizer::from_gguf).
//
// Byte-level BPE that the tokenizer.ggml.* keys can say is written with them alone, so that other
// programs that read GGUF make the same ids. For any other tokenizer the exact tokenizer.json goes
// into tokenizer.huggingface.json, and tokenizer.ggml.model is "lathe", which other programs refuse
// instead of misreading.
// Source: github.com/ggml-org/ggml/blob/master/docs/gguf.md, section Tokenizer.
#pragma once

#include "formats/gguf_metadata.h"
#include "text/tokenizer.h"

namespace lathe::text {

// The keys tokenizer.*; token ids of bos and eos where they are known.
formats::GgufMetadata gguf_metadata(const Tokenizer& tokenizer);

}  // namespace lathe::text
