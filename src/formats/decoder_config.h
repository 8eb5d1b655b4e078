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
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "formats/gguf_metadata.h"

namespace lathe::formats {

// How rotary frequencies are stretched for contexts longer than those first trained on.
struct RopeScaling {
  enum class Kind {
    none,
    linear,    // every frequency is divided by factor
    dynamic,   // stretched for texts longer than max_positions only, the more the longer they are
    llama3,    // low frequencies are divided by factor, high ones kept, the band between blended
    yarn,      // low frequencies are divided by factor, high ones kept, a ramp between them
    factors,   // frequency i is divided by factors[i] (GGUF's rope_freqs.weight)
    longrope,  // by factors[i] up to original_positions, by long_factors[i] for longer texts
  };
  Kind kind = Kind::none;
  double factor = 1;            // linear, dynamic, llama3, yarn
  double low_freq_factor = 1;   // llama3
  double high_freq_factor = 4;  // llama3; greater than low_freq_factor
  std::int64_t original_positions =
      0;                        // llama3, yarn, longrope: the context it was first trained with
  double beta_fast = 32;        // yarn: turns within the old context above which a frequency
  double beta_slow = 1;         // is kept, and below which it is divided
  bool truncate = true;         // yarn: the ramp's ends are whole dimensions
  double attention_factor = 1;  // yarn, longrope: cosines and sines are multiplied by it
  std::vector<float> factors;   // factors, longrope: [rotary_dim / 2]
  std::vector<float> long_factors = {};  // longrope: [rotary_dim / 2]

  bool operator==(const RopeScaling&) const = default;
};

struct RopeConfig {
  double theta = 10000;
  // Frequency i is theta^(-2i / exponent_dim); 0: of the values that are rotated. One less where a
  // config calls for an odd number of them, which transformers rounds up.
  std::int64_t exponent_dim = 0;
  RopeScaling scaling;

  bool operator==(const RopeConfig&) const = default;
};

enum class NormKind { rms, layer };  // layer: LayerNorm (Ba et al. 2016), always with a bias
// gelu: by erf; gelu_tanh, gelu_quick: approximations by tanh, and by x * sigmoid(1.702 x).
enum class Activation { silu, gelu, gelu_tanh, gelu_quick, relu, relu_squared, tanh, sigmoid };
enum class PositionKind {
  rotary,
  learned,  // a table of vectors that are added to the embeddings
  alibi,    // a bias on scores that falls with distance (Press et al. 2022)
};

// How the rows of a fused matrix of queries, keys and values are laid out: `groups` times
// [heads / groups of queries, kv_heads / groups of keys, as many of values]. 0: three matrices.
struct FusedQkv {
  std::int64_t groups = 0;
  bool operator==(const FusedQkv&) const = default;
};

// A mixture of experts in place of the MLP (Shazeer et al. 2017; Jiang et al. 2024).
struct ExpertsConfig {
  std::int64_t count = 0;  // 0: none
  std::int64_t used = 0;   // of them, by each position
  std::int64_t intermediate_size = 0;
  bool normalised = true;                  // the weights of the used ones are divided by their sum
  std::vector<std::int64_t> dense_layers;  // those that have a plain MLP; ascending

  bool operator==(const ExpertsConfig&) const = default;
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
  NormKind norm = NormKind::rms;
  double norm_eps = 1e-6;
  double norm_offset = 0;  // added to the weights of norms: 1 in Gemma
  Activation activation = Activation::silu;
  bool gated_mlp = true;  // down(act(gate x) * up x); false: down(act(up x))
  PositionKind positions = PositionKind::rotary;
  RopeConfig rope;
  std::optional<RopeConfig> window_rope;  // of the layers with a window, when it is another
  std::int64_t rotary_dim = 0;            // the first so many values of a head are rotated; 0: all
  bool tied_embeddings = false;           // lm_head is embed_tokens; there is no lm_head.weight
  bool qkv_bias = false;                  // q_proj, k_proj and v_proj have biases
  bool output_bias = false;               // o_proj has one
  bool mlp_bias = false;                  // gate_proj, up_proj and down_proj have them
  FusedQkv fused_qkv;
  bool fused_gate_up = false;  // gate_proj and up_proj are one matrix, gate first
  bool qk_norm = false;        // queries and keys are normalised head by head (q_norm, k_norm)
  // By layer: a position sees itself and windows[layer] - 1 before it; 0: all before it. Empty: all
  // layers see all.
  std::vector<std::int64_t> windows;
  // What attention and MLP write is normalised before it is added (Gemma 2).
  bool post_norms = false;
  // Attention and MLP both read the layer's input; separate_norms: each through a norm of its own.
  bool parallel_residual = false;
  bool separate_norms = true;
  double embedding_scale = 1;
  double query_scale = 0;        // scores are multiplied by it; 0: 1 / sqrt(head_dim)
  bool scores_by_layer = false;  // those of layer i (from 0) are also divided by i + 1 (GPT-2)
  double attention_softcap = 0;  // scores become cap * tanh(score / cap); 0: as they are
  double logit_softcap = 0;
  ExpertsConfig experts;
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
  std::set<std::string, std::less<>> names = {};  // of all tensors: which of them are there says
                                                  // what the model has
  std::vector<float> rope_factors = {};           // values of "rope_freqs.weight"; empty: none
  std::vector<float> long_rope_factors = {},
                     short_rope_factors = {};  // "rope_factors_long.weight", …

  bool has(std::string_view name) const { return names.contains(name); }
};
Result<DecoderConfig> decoder_config_from_gguf(const GgufMetadata& metadata,
                                               const GgufTensorFacts& facts);

// Adds general.architecture, the architecture's keys and the token ids to metadata. What llama.cpp
// expects in tensors (rope_freqs.weight, …) is in gguf_rope.h; what GGUF has no key for and can
// stand beside a file that llama.cpp reads rightly goes into keys of our own ("lathe.…").
// unsupported: what GGUF cannot express at all.
Status to_gguf(const DecoderConfig& config, GgufMetadata& metadata);

// What llama.cpp does otherwise with a GGUF file of this model than its authors meant, or why it
// refuses the file; a sentence each, empty as a rule.
std::vector<std::string> llama_cpp_differences(const DecoderConfig& config);

// Every name that DecoderConfig::family can have.
std::vector<std::string> decoder_family_names();

// The window of a layer; 0: none.
std::int64_t window_of(const DecoderConfig& config, std::size_t layer);

// Positions that a context may have: max_positions, or as many more as dynamic scaling is meant
// for.
std::int64_t context_limit(const DecoderConfig& config);

// Values of a head that are rotated.
std::int64_t rotary_dim_of(const DecoderConfig& config);

// What each rotary frequency theta^(-2i/rotary_dim) is divided by: [rotary_dim / 2], all 1 for
// none.
std::vector<float> rope_divisors(const DecoderConfig& config);
std::vector<float> rope_divisors(const RopeConfig& rope, std::int64_t rotary_dim);

// theta as dynamic scaling stretches it for a text of `length` positions, of which the model was
// trained with max_positions (modeling_rope_utils, _compute_dynamic_ntk_parameters). REQUIRES:
// length >= max_positions.
double dynamic_theta(const RopeConfig& rope, std::int64_t rotary_dim, std::int64_t max_positions,
                     std::int64_t length);

// RopeConfig::exponent_dim, or rotary_dim where it is 0.
std::int64_t exponent_dim_of(const RopeConfig& rope, std::int64_t rotary_dim);

// Whether a layer has experts in place of an MLP.
bool has_experts(const DecoderConfig& config, std::int64_t layer);

}  // namespace lathe::formats
