#!/usr/bin/env python3
"""Writes testdata/families/NAME: small random models of each decoder family, and their logits by transformers.

    python3 -m venv .venv && .venv/bin/pip install torch transformers
    .venv/bin/python tools/make_family_oracle.py

A folder is as Hugging Face writes it (config.json, model.safetensors in f32) with `golden.safetensors` beside it:
for k in 0..2 `ids_k` int64 [n] and `logits_k` f32 [n, vocab].  Norms and biases are moved away from 1 and 0, so that
one that is left out shows; texts are longer than the windows.
"""
import json
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
    "llama-linear": dict(model_type="llama", rope_parameters={"rope_type": "linear", "rope_theta": 10000.0,
                                                               "factor": 3.0}),
    "mistral-window": dict(model_type="mistral", sliding_window=7, head_dim=12),
    "qwen2-window": dict(model_type="qwen2", use_sliding_window=True, sliding_window=5, max_window_layers=1),
    "qwen3": dict(model_type="qwen3", head_dim=16, tie_word_embeddings=True),
    "qwen3-biases": dict(model_type="qwen3", head_dim=8, attention_bias=True),
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
    config = AutoConfig.for_model(settings.pop("model_type"), **settings)
    config._attn_implementation = "eager"
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
    for name, settings in FAMILIES.items():
        write(name, settings, out)


if __name__ == "__main__":
    main()
