// PEFT adapter folders (adapter_config.json, adapter_model.safetensors): LoRA and DoRA, IA3, prompt
// tuning, P-tuning (its computed embeddings) and prefix tuning, read as they are; LoRA and soft
// prompts are written so that PEFT reads them.
//
// Every field that changes results is either honoured or refused by name; a field this reader does
// not know is refused unless it is null, false or empty. Tensors are checked against the config:
// each has a known name and the rank, both halves of a LoRA pair are there, none is left over.
//
// Source: PEFT 0.21, peft/tuners/lora/{config,layer}.py, peft/tuners/{prompt_tuning,p_tuning}.
// Thread-safety: an open adapter is immutable; share it freely.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "formats/safetensors.h"
#include "os/file.h"
#include "tensor/tensor.h"

namespace lathe::formats {

// Whether `end` is the whole name or its end after a dot: "self_attn.q_proj" of
// "model.layers.0.self_attn.q_proj". How PEFT's lists name modules.
bool is_dotted_end(std::string_view name, std::string_view end);

struct LoraConfig {
  std::int64_t rank = 8;
  double alpha = 8;
  double dropout = 0;                       // training only
  bool rslora = false;                      // scale alpha / sqrt(rank) instead of alpha / rank
  std::vector<std::string> target_modules;  // names or dotted ends: "q_proj"
  std::string target_regex = {};            // in place of them; the whole name must match
  bool all_linear = false;                  // in place of them; every linear module but the head
  std::vector<std::int64_t> layers;         // the layers that are adapted; empty: all
  bool dora = false;                        // each pair has a magnitude (PeftTensor)
  bool lora_bias = false;                   // each b has a bias
  std::vector<std::string> modules_to_save = {};  // parts of names; their tensors stand in the file
  std::vector<std::string> exclude_modules = {};  // names or dotted ends; or a regular expression
  std::vector<std::int64_t> token_ids = {};       // whose embeddings are in the file
  // Per-module overrides; the key is a module's name, a dotted end of it, or a regular expression
  // for one (has_regex_patterns).
  std::map<std::string, std::int64_t> rank_pattern;
  std::map<std::string, double> alpha_pattern;

  bool operator==(const LoraConfig&) const = default;
  // Whether target_modules and layers name that module ("model.layers.0.self_attn.q_proj"); a
  // regular expression is taken to.
  bool targets(std::string_view module) const;
  // Whether a key of the patterns is no plain name; then rank_of() and scale_of() do not know.
  bool has_regex_patterns() const;
  std::int64_t rank_of(std::string_view module) const;
  // What the product b·a is multiplied by for that module.
  double scale_of(std::string_view module) const;
};

struct SoftPromptConfig {
  std::int64_t virtual_tokens = 0;
  std::int64_t width = 0;   // PEFT's token_dim: the model's hidden_size; of keys in prefix tuning
  std::int64_t layers = 0;  // prefix tuning only

  bool operator==(const SoftPromptConfig&) const = default;
};

struct PeftConfig {
  enum class Kind { lora, ia3, prompt_tuning, p_tuning, prefix_tuning };
  Kind kind = Kind::lora;
  std::string base_model;   // base_model_name_or_path: a name, or a path on somebody's machine
  LoraConfig lora;          // Kind::lora; Kind::ia3 has targets and modules_to_save of it
  SoftPromptConfig prompt;  // the other kinds

  bool operator==(const PeftConfig&) const = default;
};

// adapter_config.json. Errors: bad_input, unsupported; both name the field.
Result<PeftConfig> peft_config_from_json(std::string_view json);
std::string to_json(const PeftConfig& config);

// The two factors of one module's update: W·x becomes W·x + scale · b·(a·x).
struct LoraPair {
  std::string module;    // canonical, without ".weight": "model.layers.0.self_attn.q_proj"
  tensor::TensorView a;  // [rank, in]
  tensor::TensorView b;  // [out, rank]
  double scale = 1;      // config.lora.scale_of(module); ignored when writing
};

// What an adapter holds of a module besides pairs.
struct PeftTensor {
  enum class Role {
    weight,       // in place of the module's own, in the form that the model's folder has it
    bias,         // likewise
    magnitude,    // [out]: DoRA
    lora_bias,    // [out]: is added to b (a x)
    embedding_a,  // [rank, vocab]
    embedding_b,  // [width, rank]
    token_rows,   // [token_ids, width]
    ia3,          // [out, 1], or [1, in] of a feed-forward module
  };
  std::string module;  // canonical, as LoraPair::module
  Role role = Role::weight;
  tensor::TensorView view;
};

class PeftAdapter {
 public:
  // Errors: not_found, io, bad_input, unsupported (also adapter_model.bin, which is pickle).
  static Result<PeftAdapter> open(const os::Path& folder);

  const PeftConfig& config() const { return config_; }

  // Kind::lora: sorted by module; empty otherwise. Views live as long as this object.
  std::span<const LoraPair> lora() const { return pairs_; }

  // Kind::lora and ia3, likewise.
  std::span<const PeftTensor> others() const { return others_; }

  // Kind::prompt_tuning and p_tuning: [virtual_tokens, width]. Kind::prefix_tuning:
  // [virtual_tokens, layers * 2 (keys, values) * width]. REQUIRES: one of these kinds.
  const tensor::TensorView& prompt_embeddings() const { return prompt_; }

 private:
  PeftConfig config_;
  SafetensorsFile file_;
  std::vector<LoraPair> pairs_;
  std::vector<PeftTensor> others_;
  tensor::TensorView prompt_;
};

// Writes a PEFT folder: the tensors, then adapter_config.json, so that a folder without it is not
// yet an adapter. Errors: already_exists (the folder holds an adapter_config.json), bad_input
// (tensors that do not fit the config), io.
Status write_lora_adapter(const os::Path& folder, const PeftConfig& config,
                          std::span<const LoraPair> pairs);
Status write_prompt_adapter(const os::Path& folder, const PeftConfig& config,
                            const tensor::TensorView& embeddings);

}  // namespace lathe::formats
