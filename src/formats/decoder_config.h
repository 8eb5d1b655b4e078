// What a decoder is, in one validated description, whichever file it came from: Hugging Face's
// config.json (old and new spelling) or the metadata of a GGUF file. What a family has beside
// others stands in its file of formats/families; the forward pass reads this description alone.
//
// A DecoderConfig that a function here returned holds check()'s promises: all sizes positive and
// bounded, heads a multiple of kv_heads, head_dim even, token ids inside the vocabulary. A field
// that would change results and is not supported is an `unsupported` error that names it.
//
// Source: transformers' configuration classes (defaults of absent fields included) and
// modeling_rope_utils; llama.cpp's gguf-py constants for the keys of GGUF.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "formats/gguf_metadata.h"
#include "tensor/shape.h"

namespace lathe::formats {

// How rotary frequencies are stretched for contexts longer than those first trained on.
struct RopeScaling {
  enum class Kind {
    none,
    linear,   // every frequency is divided by factor
    dynamic,  // stretched for texts longer than max_positions only, which Lathe does not take
    llama3,   // low frequencies are divided by factor, high ones kept, the band between blended
    yarn,     // low frequencies are divided by factor, high ones kept, a ramp between them
    factors,  // frequency i is divided by factors[i] (GGUF's rope_freqs.weight)
  };
  Kind kind = Kind::none;
  double factor = 1;                    // linear, dynamic, llama3, yarn
  double low_freq_factor = 1;           // llama3
  double high_freq_factor = 4;          // llama3; greater than low_freq_factor
  std::int64_t original_positions = 0;  // llama3, yarn: the context it was first trained with
  double beta_fast = 32;        // yarn: turns within the old context above which a frequency
  double beta_slow = 1;         // is kept, and below which it is divided
  bool truncate = true;         // yarn: the ramp's ends are whole dimensions
  double attention_factor = 1;  // yarn: cosines and sines are multiplied by it
  std::vector<float> factors;   // factors: [head_dim / 2]

  bool operator==(const RopeScaling&) const = default;
};

struct RopeConfig {
  double theta = 10000;
  RopeScaling scaling;

  bool operator==(const RopeConfig&) const = default;
};

struct DecoderConfig {
  std::string family = "llama";  // a name of formats/families
  std::int64_t vocab_size = 0;
  std::int64_t hidden_size = 0;
  std::int64_t intermediate_size = 0;
  std::int64_t layers = 0;
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;  // heads * head_dim need not be hidden_size
  std::int64_t max_positions = 0;
  double rms_norm_eps = 1e-6;
  RopeConfig rope;
  bool tied_embeddings = false;  // lm_head is embed_tokens; there is no lm_head.weight
  bool qkv_bias = false;         // q_proj, k_proj and v_proj have biases
  bool output_bias = false;      // o_proj has one
  bool mlp_bias = false;         // gate_proj, up_proj and down_proj have them
  bool qk_norm = false;          // queries and keys are normalised head by head (q_norm, k_norm)
  // By layer: a position sees itself and windows[layer] - 1 before it; 0: all before it. Empty: all
  // layers see all.
  std::vector<std::int64_t> windows;
  std::optional<std::int64_t> bos_id;
  std::vector<std::int64_t> eos_ids;  // any of them ends an answer; the first is the model's own
  std::optional<std::int64_t> pad_id;

  bool operator==(const DecoderConfig&) const = default;
};

// Ranges and cross-checks of every field; the error names the field.
Status check(const DecoderConfig& config);

// From the text of config.json, and of generation_config.json when the folder has one ("" when
// not): its token ids stand over those of config.json. Errors: bad_input, unsupported.
Result<DecoderConfig> decoder_config_from_json(std::string_view config_json,
                                               std::string_view generation_config_json = {});

// config.json in the new spelling (rope_parameters, dtype), for transformers 5; rope_theta and
// rope_scaling stand beside it for older readers. dtype is as Hugging Face names it: "float32", …
// unsupported: RopeScaling::factors, which config.json cannot say.
Result<std::string> to_config_json(const DecoderConfig& config, std::string_view dtype);
std::string to_generation_config_json(const DecoderConfig& config);

// What a GGUF file's tensors add to its metadata.
struct GgufTensorFacts {
  bool has_output = true;           // no "output.weight": tied embeddings
  std::vector<float> rope_factors;  // values of "rope_freqs.weight"; empty when there is none
  bool has_qkv_bias = false;        // "blk.0.attn_q.bias"
  bool has_output_bias = false;     // "blk.0.attn_output.bias"
  bool has_mlp_bias = false;        // "blk.0.ffn_up.bias"
  bool has_qk_norm = false;         // "blk.0.attn_q_norm.weight"
};
Result<DecoderConfig> decoder_config_from_gguf(const GgufMetadata& metadata,
                                               const GgufTensorFacts& facts);

// Adds general.architecture, the architecture's keys and the token ids to metadata. llama3 scaling
// goes into the tensor rope_freqs.weight (rope_divisors below) as llama.cpp expects it, and its
// parameters into "lathe.rope.llama3.*", so that they can be read back. unsupported: windows, which
// GGUF does not give by layer, and YaRN without truncation.
Status to_gguf(const DecoderConfig& config, GgufMetadata& metadata);

// Every name that DecoderConfig::family can have.
std::vector<std::string> decoder_family_names();

// The window of a layer; 0: none.
std::int64_t window_of(const DecoderConfig& config, std::size_t layer);

// What each rotary frequency theta^(-2i/head_dim) is divided by: [head_dim / 2], all 1 for none.
std::vector<float> rope_divisors(const DecoderConfig& config);

// Every weight that a model of this config has, by canonical (Hugging Face) name, in the order of
// the forward pass, a bias after its matrix; lm_head.weight only when embeddings are not tied.
// Matrices are [out, in].
struct ExpectedTensor {
  std::string name;
  tensor::Shape shape;
};
std::vector<ExpectedTensor> expected_tensors(const DecoderConfig& config);

}  // namespace lathe::formats
