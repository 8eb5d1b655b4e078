#!/usr/bin/env python3
"""Writes testdata/adapters/NAME: PEFT adapters on models of testdata/families, and the logits by PEFT.

    .venv/bin/python tools/make_adapter_oracle.py [NAME ...]

A folder is as PEFT writes it, with `golden.safetensors` beside it: for k in 0..2 `ids_k` int64 [n] and `logits_k` f32
[n, vocab], of the positions of the ids.  `base_model_name_or_path` is the model's name in testdata/families.
"""
import json
import sys
import zlib
from pathlib import Path

import peft
import torch
from safetensors.torch import load_file, save_file

import oracle
from check_adapters import fill

TESTDATA = Path(__file__).resolve().parent.parent / "testdata"


def lora(**more):
    return peft.LoraConfig(**{**dict(r=3, lora_alpha=6, task_type="CAUSAL_LM"), **more})


ADAPTERS = {
    "all-linear-rslora": ("gpt_neox", lora(target_modules="all-linear", use_rslora=True)),
    "regex-and-patterns": ("falcon-40b", lora(target_modules=r".*\.(query_key_value|dense_4h_to_h)",
                                              rank_pattern={r"^transformer\.h\.1\..*": 2},
                                              alpha_pattern={r"h\.\d+\.mlp\.dense_4h_to_h": 5})),
    "gpt2-all-biases": ("gpt2", lora(target_modules=["c_attn", "c_fc"], fan_in_fan_out=True, bias="all")),
    "saved-modules": ("llama-biases", lora(target_modules=["q_proj"],
                                           modules_to_save=["embed_tokens", "norm", "lm_head", "down_proj"])),
    "dora": ("llama-biases", lora(target_modules=["q_proj", "o_proj", "down_proj"], use_dora=True)),
    "lora-bias": ("llama-biases", lora(target_modules=["v_proj", "up_proj"], lora_bias=True)),
    "embeddings": ("gemma2", lora(target_modules=["embed_tokens", "v_proj"])),
    "embeddings-half": ("gemma2", lora(target_modules=["embed_tokens", "v_proj"])),  # the tied head is rounded too
    "token-rows": ("qwen3", lora(target_modules=["k_proj"], trainable_token_indices=[7, 3, 90])),
    "ia3": ("gpt2", peft.IA3Config(task_type="CAUSAL_LM", target_modules=["c_attn", "c_fc", "mlp.c_proj"],
                                   feedforward_modules=["mlp.c_proj"])),
    "prefix": ("qwen3", peft.PrefixTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=6)),
    "prompt-gemma": ("gemma2", peft.PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=3)),
    "p-tuning-lstm": ("llama-biases", peft.PromptEncoderConfig(
        task_type="CAUSAL_LM", num_virtual_tokens=4, encoder_reparameterization_type="LSTM", encoder_hidden_size=8)),
}


def load(base):
    folder = TESTDATA / "families" / base
    model_type = json.loads((folder / "config.json").read_text())["model_type"]
    return oracle.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32,
                                                       **oracle.implementations(model_type)).eval()


def write(name, out):
    base, config = ADAPTERS[name]
    seed = zlib.crc32(name.encode())
    tuned = peft.get_peft_model(load(base), config).eval()
    fill(tuned, config, seed)
    tuned.save_pretrained(out / name)
    (out / name / "README.md").unlink(missing_ok=True)
    if name.endswith("-half"):
        weights = out / name / "adapter_model.safetensors"
        save_file({n: t.bfloat16() for n, t in load_file(weights).items()}, weights, metadata={"format": "pt"})
    path = out / name / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "base_model_name_or_path": base}, indent=1) + "\n")
    model = peft.PeftModel.from_pretrained(load(base), out / name).eval()
    generator = torch.Generator().manual_seed(seed)
    golden = {}
    for k, length in enumerate((1, 9, 30)):
        ids = torch.randint(0, model.config.vocab_size, (length,), generator=generator)
        with torch.no_grad():
            golden[f"logits_{k}"] = model(input_ids=ids[None]).logits[0][-length:].contiguous()
        golden[f"ids_{k}"] = ids
    save_file(golden, out / name / "golden.safetensors")
    print(name, sorted(p.name for p in (out / name).iterdir()))


def main():
    for name in sys.argv[1:] or ADAPTERS:
        write(name, TESTDATA / "adapters")


if __name__ == "__main__":
    main()
