// DistilBERT (Sanh et al. 2019): BERT without token types, with names of its own. Source:
// transformers' DistilBertConfig and modeling_distilbert.
#include "formats/encoders/encoder_family.h"

namespace lathe::formats {
namespace {

constexpr EncoderPartName kNames[] = {
    {EncoderPart::q, "attention.q_lin", "attn_q"},
    {EncoderPart::k, "attention.k_lin", "attn_k"},
    {EncoderPart::v, "attention.v_lin", "attn_v"},
    {EncoderPart::o, "attention.out_lin", "attn_output"},
    {EncoderPart::attention_norm, "sa_layer_norm", "attn_output_norm"},
    {EncoderPart::up, "ffn.lin1", "ffn_up"},
    {EncoderPart::down, "ffn.lin2", "ffn_down"},
    {EncoderPart::mlp_norm, "output_layer_norm", "layer_output_norm"},
};

constexpr std::string_view kDistilbertHeads[] = {"vocab_transform.", "vocab_layer_norm.",
                                                 "vocab_projector.", "pre_classifier.",
                                                 "classifier.",      "qa_outputs."};

void defaults(EncoderConfig& config) {
  config.layers = 6;
  config.token_types = 0;
}

}  // namespace

const EncoderFamily kDistilbert = {.name = "distilbert",
                                   .prefix = "distilbert.",
                                   .keys = {.hidden = "dim",
                                            .intermediate = "hidden_dim",
                                            .layers = "n_layers",
                                            .heads = "n_heads",
                                            .activation = "activation",
                                            .norm_eps = nullptr,
                                            .token_types = nullptr},
                                   .layers = "transformer.layer.",
                                   .names = kNames,
                                   .heads = kDistilbertHeads,
                                   .defaults = defaults};

}  // namespace lathe::formats
