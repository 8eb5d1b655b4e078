#!/usr/bin/env python3
"""Writes testdata/families/NAME: small random models of each decoder family, and their logits by transformers.

    python3 -m venv .venv && .venv/bin/pip install torch transformers
    .venv/bin/python tools/make_family_oracle.py [NAME ...]

A folder is as Hugging Face writes it (config.json, model.safetensors in f32) with `golden.safetensors` beside it:
for k in 0..2 `ids_k` int64 [n] and `logits_k` f32 [n, vocab].  Norms and biases are moved away from 1 and 0, so that
one that is left out shows; texts are longer than the windows.
"""
import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM

SIZES = dict(vocab_size=96, hidden_size=32, intermediate_size=48, num_hidden_layers=3, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=64, bos_token_id=1, eos_token_id=2, pad_token_id=None,
             tie_word_embeddings=False)
YARN = {"rope_type": "yarn", "rope_theta": 10000.0, "factor": 4.0, "original_max_position_embeddings": 16}

FAMILIES = {
    "llama-biases": dict(model_type="llama", attention_bias=True, mlp_bias=True),
    "llama-yarn": dict(model_type="llama", rope_parameters=YARN),
    "llama-yarn-mscale": dict(model_type="llama", rope_parameters={
        **YARN, "mscale": 0.7, "mscale_all_dim": 0.4, "beta_fast": 16.0, "beta_slow": 2.0, "truncate": False}),
    "llama-dynamic": dict(model_type="llama", rope_parameters={"rope_type": "dynamic", "rope_theta": 10000.0,
                                                                "factor": 2.0}),
    # Texts longer than max_position_embeddings: the longest has angles of its own.
    "llama-dynamic-long": dict(model_type="llama", max_position_embeddings=16, rope_parameters={
        "rope_type": "dynamic", "rope_theta": 10000.0, "factor": 4.0}),
    "llama-linear": dict(model_type="llama", rope_parameters={"rope_type": "linear", "rope_theta": 10000.0,
                                                               "factor": 3.0}),
    "mistral-window": dict(model_type="mistral", sliding_window=7, head_dim=12),
    "qwen2-window": dict(model_type="qwen2", use_sliding_window=True, sliding_window=5, max_window_layers=1),
    "qwen3": dict(model_type="qwen3", head_dim=16, tie_word_embeddings=True),
    "qwen3-biases": dict(model_type="qwen3", head_dim=8, attention_bias=True),
    "gemma2": dict(model_type="gemma2", head_dim=12, query_pre_attn_scalar=20, sliding_window=7,
                   attn_logit_softcapping=3.0, final_logit_softcapping=2.0, tie_word_embeddings=True),
    "gemma3": dict(model_type="gemma3_text", head_dim=16, query_pre_attn_scalar=20, sliding_window=7,
                   tie_word_embeddings=True, num_hidden_layers=4,
                   layer_types=["sliding_attention", "sliding_attention", "full_attention", "sliding_attention"],
                   rope_parameters={
                       "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1000000.0},
                       "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0}}),
    "gemma3-caps": dict(model_type="gemma3_text", head_dim=8, query_pre_attn_scalar=4, sliding_window=5,
                        attn_logit_softcapping=2.0, final_logit_softcapping=3.0, num_hidden_layers=2,
                        layer_types=["sliding_attention", "full_attention"], rope_parameters={
                            "full_attention": {"rope_type": "default"},
                            "sliding_attention": {"rope_type": "linear", "factor": 2.0}}),
    "phi3": dict(model_type="phi3", sliding_window=9, max_position_embeddings=64, pad_token_id=0,
                 original_max_position_embeddings=64),
    "phi3-longrope": dict(model_type="phi3", max_position_embeddings=64, original_max_position_embeddings=16,
                          pad_token_id=0, sliding_window=None, partial_rotary_factor=0.5, rope_parameters={
                              "rope_type": "longrope", "rope_theta": 10000.0, "partial_rotary_factor": 0.5,
                              "original_max_position_embeddings": 16,
                              "short_factor": [1.0, 1.1], "long_factor": [1.5, 4.0]}),
    "falcon-7b": dict(model_type="falcon", multi_query=True, parallel_attn=True, new_decoder_architecture=False,
                      bias=False, alibi=False, tie_word_embeddings=True),
    "falcon-40b": dict(model_type="falcon", new_decoder_architecture=True, num_kv_heads=2, bias=False, alibi=False,
                       tie_word_embeddings=False),
    "falcon-grouped-alibi": dict(model_type="falcon", new_decoder_architecture=True, num_kv_heads=2, bias=True,
                                 alibi=True, num_ln_in_parallel_attn=1, tie_word_embeddings=True),
    "falcon-rw": dict(model_type="falcon", multi_query=False, parallel_attn=False, new_decoder_architecture=False,
                      bias=True, alibi=True, num_attention_heads=6, hidden_size=36, num_kv_heads=6,
                      tie_word_embeddings=True),
    "gpt2": dict(model_type="gpt2", n_inner=40, tie_word_embeddings=True),
    "gpt2-scales": dict(model_type="gpt2", n_inner=20, n_embd=36, hidden_size=36, scale_attn_weights=False,
                        scale_attn_by_inverse_layer_idx=True, activation_function="relu", tie_word_embeddings=False),
    "gpt_neox": dict(model_type="gpt_neox", rotary_pct=0.5, use_parallel_residual=True),
    "gpt_neox-odd": dict(model_type="gpt_neox", rotary_pct=0.4, hidden_act="quick_gelu"),  # 3 of 8 values are rotated
    "gpt_neox-sequential": dict(model_type="gpt_neox", rotary_pct=1.0, use_parallel_residual=False,
                                attention_bias=False),
    "mixtral": dict(model_type="mixtral", num_local_experts=4, num_experts_per_tok=2, sliding_window=None),
    "qwen3_moe": dict(model_type="qwen3_moe", head_dim=12, num_experts=5, num_experts_per_tok=2,
                      moe_intermediate_size=20, norm_topk_prob=True, mlp_only_layers=[1], decoder_sparse_step=1),
    "qwen3_moe-plain": dict(model_type="qwen3_moe", head_dim=8, num_experts=4, num_experts_per_tok=3,
                            moe_intermediate_size=16, norm_topk_prob=False, decoder_sparse_step=2),
}
# What a family's own configuration does not have.
LACKS = {
    "gpt2": ("intermediate_size", "num_key_value_heads"),
    "gpt_neox": ("num_key_value_heads",),
    "falcon": ("intermediate_size", "num_key_value_heads"),
}


def perturb(model):
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() == 1:
                base = 0.0 if name.endswith("bias") else 1.0
                parameter.copy_(base + 0.3 * torch.randn(parameter.shape, generator=generator))
            else:
                parameter.copy_(0.2 * torch.randn(parameter.shape, generator=generator))


def write(name, settings, out):
    settings = {**SIZES, **settings}
    for key in LACKS.get(settings["model_type"], ()):
        settings.pop(key, None)
    config = AutoConfig.for_model(settings.pop("model_type"), **settings)
    # Soft caps need "eager"; but with it transformers adds Falcon's ALiBi twice, to the mask and to the scores.
    config._attn_implementation = "sdpa" if config.model_type == "falcon" else "eager"
    model = AutoModelForCausalLM.from_config(config, torch_dtype=torch.float32).eval()
    perturb(model)
    folder = out / name
    model.save_pretrained(folder)
    golden = {}
    generator = torch.Generator().manual_seed(11)
    for k, length in enumerate((1, 9, 40)):
        ids = torch.randint(0, settings["vocab_size"], (length,), generator=generator)
        with torch.no_grad():
            golden[f"logits_{k}"] = model(ids[None]).logits[0].contiguous()
        golden[f"ids_{k}"] = ids
    save_file(golden, folder / "golden.safetensors")
    print(name, sum(p.numel() for p in model.parameters()), json.loads((folder / "config.json").read_text())["model_type"])


def main():
    out = Path(__file__).resolve().parent.parent / "testdata" / "families"
    for name in sys.argv[1:] or FAMILIES:
        write(name, FAMILIES[name], out)


if __name__ == "__main__":
    main()
