#!/usr/bin/env python3
"""Writes testdata/gguf/NAME.gguf: small random models of each decoder family as llama.cpp's converter writes them, and
their logits by transformers.

    python3 -m venv .venv && .venv/bin/pip install torch transformers gguf
    .venv/bin/python tools/make_gguf_oracle.py [NAME ...]

gguf-py writes the files, and what the converter does to names and values is written down here once more, so nothing is
shared with Lathe's own reader and writer.  Beside each file stands NAME.safetensors: for k in 0..2 `ids_k` int64 [n] and
`logits_k` f32 [n, vocab] of the transformers model with the weights that the file holds (f16 or quantised ones as they
are read back).

Facts: llama.cpp's convert_hf_to_gguf.py, gguf-py's constants and llama.cpp's src/models.
"""
import math
import sys
from pathlib import Path

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as Type
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM

from make_family_oracle import FAMILIES, LACKS, SIZES, perturb

OUT = Path(__file__).resolve().parent.parent / "testdata" / "gguf"
SMALL = dict(num_hidden_layers=2, vocab_size=64, hidden_size=32, intermediate_size=32)
LONGROPE = {"rope_type": "longrope", "rope_theta": 10000.0, "original_max_position_embeddings": 16,
            "short_factor": [1.0, 1.1, 1.2, 1.3], "long_factor": [1.5, 2.0, 3.0, 4.0]}

# Settings of a family's model (a folder's name of make_family_oracle.py or a model_type of its own), and how the file
# is written: the matrices' type, `experts` "one_by_one" as before ffn_gate_exps, `parts` files.
MODELS = {
    "llama-rope_freqs": ("llama-biases", dict(attention_bias=False, mlp_bias=False, rope_parameters={
        "rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 32}), dict()),
    "llama-parts": ("llama-biases", dict(), dict(parts=3)),
    "llama-yarn": ("llama-yarn", dict(), dict(type=Type.F32)),
    "llama-linear": ("llama-linear", dict(), dict()),
    "qwen2": ("qwen2-window", dict(use_sliding_window=False), dict()),
    "qwen3": ("qwen3", dict(), dict()),
    "gemma2": ("gemma2", dict(head_dim=16, query_pre_attn_scalar=16), dict()),
    "gemma2-q8_0": ("gemma2", dict(head_dim=16, query_pre_attn_scalar=16), dict(type=Type.Q8_0)),
    "gemma3": ("gemma3", dict(query_pre_attn_scalar=16, num_hidden_layers=7, layer_types=None, head_dim=16), dict()),
    "phi3": ("phi3", dict(sliding_window=None), dict()),
    "phi3-longrope": ("phi3-longrope", dict(partial_rotary_factor=1.0, rope_parameters=LONGROPE), dict()),
    "falcon-7b": ("falcon-7b", dict(), dict()),
    "falcon-40b": ("falcon-40b", dict(), dict()),
    "gpt2": ("gpt2", dict(n_inner=None), dict()),
    "gptneox": ("gpt_neox", dict(), dict()),
    "gptneox-sequential": ("gpt_neox-sequential", dict(attention_bias=True), dict()),
    "mixtral": ("mixtral", dict(), dict()),
    "mixtral-one_by_one": ("mixtral", dict(), dict(experts="one_by_one")),
    "mixtral-q4_0": ("mixtral", dict(), dict(type=Type.Q4_0)),
    "qwen3moe": ("qwen3_moe", dict(mlp_only_layers=[]), dict()),
    "qwen3moe-q8_0": ("qwen3_moe", dict(mlp_only_layers=[], moe_intermediate_size=32, head_dim=8),
                      dict(type=Type.Q8_0)),
}
ARCHITECTURES = {"llama": "llama", "qwen2": "qwen2", "qwen3": "qwen3", "gemma2": "gemma2", "gemma3_text": "gemma3",
                 "phi3": "phi3", "falcon": "falcon", "gpt2": "gpt2", "gpt_neox": "gptneox", "mixtral": "llama",
                 "qwen3_moe": "qwen3moe"}


def make_model(base, changes):
    settings = {**SIZES, **FAMILIES[base], **SMALL, **changes}
    for key in LACKS.get(settings["model_type"], ()):
        settings.pop(key, None)
    settings = {key: value for key, value in settings.items() if value is not None or key == "sliding_window"}
    config = AutoConfig.for_model(settings.pop("model_type"), **settings)
    config._attn_implementation = "eager"
    model = AutoModelForCausalLM.from_config(config, torch_dtype=torch.float32).eval()
    perturb(model)
    return model


def pack(values, kind):
    """The array that goes into the file, and the values that come out of it."""
    if kind == Type.F32 or values.ndim == 1:
        return values.astype(np.float32), Type.F32, values.astype(np.float32)
    if kind == Type.F16:
        half = values.astype(np.float16)
        return half, Type.F16, half.astype(np.float32)
    packed = gguf.quants.quantize(values, kind)
    return packed, kind, gguf.quants.dequantize(packed, kind)


def interleave(weights, heads):
    """LLaMA's rotary pairs side by side: the two halves of each head's rows in turn."""
    shape = weights.shape
    return weights.reshape(heads, 2, shape[0] // heads // 2, *shape[1:]).swapaxes(1, 2).reshape(shape)


def deinterleave(weights, heads):
    shape = weights.shape
    return weights.reshape(heads, shape[0] // heads // 2, 2, *shape[1:]).swapaxes(1, 2).reshape(shape)


def sorting(groups, heads, kv_heads, size):
    """Rows of a fused matrix, group by group, put as all queries, all keys, all values."""
    rows = np.arange((heads + 2 * kv_heads) * size).reshape(groups, -1, size)
    queries = heads // groups
    keys = kv_heads // groups
    cut = (rows[:, :queries], rows[:, queries:queries + keys], rows[:, queries + keys:])
    return np.concatenate([part.reshape(-1) for part in cut])


class Converter:
    """Tensors of a transformers model as the converter writes them, and back into the model."""

    LAYER = {
        "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm", "self_attn.q_proj": "attn_q",
        "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
        "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm", "mlp.gate_proj": "ffn_gate",
        "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down", "self_attn.qkv_proj": "attn_qkv",
        "mlp.gate_up_proj": "ffn_up", "ln_attn": "attn_norm_2", "ln_mlp": "attn_norm",
        "self_attention.query_key_value": "attn_qkv", "self_attention.dense": "attn_output",
        "attention.query_key_value": "attn_qkv", "attention.dense": "attn_output", "mlp.dense_h_to_4h": "ffn_up",
        "mlp.dense_4h_to_h": "ffn_down", "ln_1": "attn_norm", "ln_2": "ffn_norm", "attn.c_attn": "attn_qkv",
        "attn.c_proj": "attn_output", "mlp.c_fc": "ffn_up", "mlp.c_proj": "ffn_down", "mlp.gate": "ffn_gate_inp",
        "block_sparse_moe.gate": "ffn_gate_inp"}
    GEMMA = {"post_attention_layernorm": "post_attention_norm", "pre_feedforward_layernorm": "ffn_norm",
             "post_feedforward_layernorm": "post_ffw_norm"}
    WHOLE = {"embed_tokens": "token_embd", "norm": "output_norm", "lm_head": "output", "word_embeddings": "token_embd",
             "ln_f": "output_norm", "wte": "token_embd", "wpe": "position_embd", "embed_in": "token_embd",
             "final_layer_norm": "output_norm", "embed_out": "output"}

    def __init__(self, model, kind, experts):
        self.model, self.kind, self.experts = model, kind, experts
        self.config = model.config
        self.family = model.config.model_type
        self.gemma = self.family.startswith("gemma")

    def place(self, name):
        """The module's name in GGUF."""
        parts = name.split(".")
        number = next((i for i, part in enumerate(parts) if part.isdigit()), None)
        if number is None:
            return self.WHOLE[parts[-1]]
        inside = ".".join(parts[number + 1:])
        known = {**self.LAYER, **(self.GEMMA if self.gemma else {})}
        return f"blk.{parts[number]}.{known[inside]}"

    def forth_and_back(self, name):
        """What is done to a tensor's values, and what undoes it."""
        c = self.config
        if self.gemma and name.endswith("norm.weight"):
            return (lambda w: w + 1), (lambda w: w - 1)
        if self.family in ("llama", "mixtral") and (".q_proj." in name or ".k_proj." in name):
            heads = c.num_attention_heads if ".q_proj." in name else c.num_key_value_heads
            return (lambda w: interleave(w, heads)), (lambda w: deinterleave(w, heads))
        if self.family == "gpt2" and name.endswith(("c_attn.weight", "c_proj.weight", "c_fc.weight")):
            return (lambda w: w.T.copy()), (lambda w: w.T.copy())
        if "query_key_value" in name:
            heads = c.num_attention_heads
            kv_heads = heads if self.family == "gpt_neox" else c.num_kv_heads if c.new_decoder_architecture else 1
            order = sorting(kv_heads, heads, kv_heads, c.hidden_size // heads)
            return (lambda w: w[order]), (lambda w: w[np.argsort(order)])
        return (lambda w: w), (lambda w: w)

    def tensors(self):
        """[(name, array, type)]; the model's own weights become what the file holds."""
        out = []
        seen = set()
        with torch.no_grad():
            for name, parameter in self.model.named_parameters():
                if ".experts." in name:
                    out += self.expert_tensors(name, parameter)
                    continue
                module, kind = name.rsplit(".", 1)
                forth, back = self.forth_and_back(name)
                wanted = Type.F32 if "gate_inp" in self.place(module) else self.kind
                array, stored, values = pack(np.ascontiguousarray(forth(parameter.numpy())), wanted)
                parameter.copy_(torch.from_numpy(np.ascontiguousarray(back(values))))
                out.append((f"{self.place(module)}.{kind}", array, stored))
                seen.add(self.place(module))
        if self.family == "gpt2":  # the converter writes tied embeddings a second time
            embedding = next(t for t in out if t[0] == "token_embd.weight")
            out.append(("output.weight", *embedding[1:]))
        return out

    def expert_tensors(self, name, parameter):
        """transformers keeps gate and up of all experts in one: [experts, 2 * inner, hidden]."""
        layer = next(part for part in name.split(".") if part.isdigit())
        halves = [("down", parameter)]
        if "gate_up" in name:
            inner = parameter.shape[1] // 2
            halves = [("gate", parameter[:, :inner]), ("up", parameter[:, inner:])]
        out = []
        for which, weights in halves:
            packed = [pack(np.ascontiguousarray(w), self.kind) for w in weights.numpy()]
            weights.copy_(torch.from_numpy(np.stack([p[2] for p in packed])))
            if self.experts == "one_by_one":
                out += [(f"blk.{layer}.ffn_{which}.{e}.weight", p[0], p[1]) for e, p in enumerate(packed)]
            else:
                out.append((f"blk.{layer}.ffn_{which}_exps.weight", np.stack([p[0] for p in packed]), packed[0][1]))
        return out


def add_keys(writer, config):
    c = config
    get = lambda *names: next((getattr(c, name) for name in names if getattr(c, name, None) is not None), None)
    heads, hidden = get("num_attention_heads", "n_head"), get("hidden_size", "n_embd")
    head_dim = get("head_dim") or hidden // heads
    writer.add_context_length(2048 if c.model_type == "falcon" else get("max_position_embeddings", "n_positions"))
    writer.add_embedding_length(hidden)
    writer.add_block_count(get("num_hidden_layers", "n_layer"))
    writer.add_feed_forward_length(get("intermediate_size", "n_inner", "ffn_hidden_size") or 4 * hidden)
    writer.add_head_count(heads)
    if c.model_type == "falcon":
        writer.add_tensor_data_layout("jploski")
        writer.add_head_count_kv(c.num_kv_heads if c.new_decoder_architecture else 1)
    elif get("num_key_value_heads") is not None:
        writer.add_head_count_kv(c.num_key_value_heads)
    if get("rms_norm_eps") is not None:
        writer.add_layer_norm_rms_eps(c.rms_norm_eps)
    else:
        writer.add_layer_norm_eps(get("layer_norm_eps", "layer_norm_epsilon"))
    if c.model_type in ("llama", "mixtral", "phi3"):
        writer.add_rope_dimension_count(head_dim)
    elif c.model_type in ("qwen3", "qwen3_moe", "gemma2", "gemma3_text"):
        writer.add_key_length(head_dim)
        writer.add_value_length(head_dim)
    if c.model_type == "gpt_neox":
        writer.add_rope_dimension_count(int(head_dim * c.rope_parameters["partial_rotary_factor"]))
        writer.add_parallel_residual(c.use_parallel_residual)
    if get("num_local_experts", "num_experts"):
        writer.add_expert_count(get("num_local_experts", "num_experts"))
        writer.add_expert_used_count(c.num_experts_per_tok)
    if c.model_type == "qwen3_moe":
        writer.add_expert_feed_forward_length(c.moe_intermediate_size)
    if c.model_type == "gemma2":
        writer.add_attn_logit_softcapping(c.attn_logit_softcapping)
        writer.add_final_logit_softcapping(c.final_logit_softcapping)
    if c.model_type.startswith("gemma"):
        writer.add_sliding_window(c.sliding_window)
    if c.model_type == "phi3":
        writer.add_rope_scaling_orig_ctx_len(c.original_max_position_embeddings)
        writer.add_sliding_window(c.sliding_window or 0)


def rope_factors(config):
    """[(name, values)], and the keys of scaling."""
    rope = getattr(config, "rope_parameters", None) or {}
    rope = rope.get("full_attention", rope)
    kind = rope.get("rope_type", "default")
    dim = getattr(config, "head_dim", None) or getattr(config, "hidden_size", 0) // config.num_attention_heads
    if kind == "llama3":
        frequencies = rope["rope_theta"] ** -(np.arange(0, dim, 2) / dim)
        turns = rope["original_max_position_embeddings"] * frequencies / (2 * math.pi)
        low, high = rope["low_freq_factor"], rope["high_freq_factor"]
        blend = np.clip((turns - low) / (high - low), 0, 1)
        return [("rope_freqs.weight", 1 / ((1 - blend) / rope["factor"] + blend))]
    if kind == "longrope":
        return [("rope_factors_long.weight", rope["long_factor"]), ("rope_factors_short.weight", rope["short_factor"])]
    return []


def add_rope(writer, config):
    rope = getattr(config, "rope_parameters", None)
    if not rope or config.model_type in ("falcon", "gpt_neox"):  # the converter has no base for these
        return
    rope = rope.get("full_attention", rope)
    writer.add_rope_freq_base(rope["rope_theta"])
    kind = rope["rope_type"]
    if kind in ("linear", "yarn"):
        writer.add_rope_scaling_type(gguf.RopeScalingType(kind))
        writer.add_rope_scaling_factor(rope["factor"])
    if kind == "yarn":
        writer.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])
    if kind == "longrope":
        stretch = config.max_position_embeddings / rope["original_max_position_embeddings"]
        writer.add_rope_scaling_attn_factors(
            math.sqrt(1 + math.log(stretch) / math.log(rope["original_max_position_embeddings"])))


def add_tokenizer(writer, size):
    """A vocabulary of pieces nobody uses: llama.cpp wants one."""
    pieces = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in (10, 32)]
    pieces += [f"\u2581w{i}" for i in range(size - len(pieces))]
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(pieces)
    writer.add_token_scores([-float(i) for i in range(size)])
    writer.add_token_types([2, 3, 3, 6, 6] + [1] * (size - 5))
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)


def write(name):
    base, changes, how = MODELS[name]
    model = make_model(base, changes)
    tensors = Converter(model, how.get("type", Type.F16), how.get("experts")).tensors()
    parts = how.get("parts", 1)
    size = -(-len(tensors) // parts) if parts > 1 else 0
    writer = gguf.GGUFWriter(OUT / f"{name}.gguf", ARCHITECTURES[model.config.model_type], split_max_tensors=size)
    add_keys(writer, model.config)
    add_rope(writer, model.config)
    add_tokenizer(writer, model.config.vocab_size)
    for tensor, values in rope_factors(model.config):
        writer.add_tensor(tensor, np.asarray(values, np.float32))
    for tensor, array, kind in tensors:
        writer.add_tensor(tensor, array, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    golden = {}
    generator = torch.Generator().manual_seed(13)
    for k, length in enumerate((1, 9, 24)):
        ids = torch.randint(0, model.config.vocab_size, (length,), generator=generator)
        with torch.no_grad():
            golden[f"logits_{k}"] = model(ids[None]).logits[0].contiguous()
        golden[f"ids_{k}"] = ids
    save_file(golden, OUT / f"{name}.safetensors")
    print(name, model.config.model_type, sum(path.stat().st_size for path in OUT.glob(f"{name}[-.]*gguf")))


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[1:] or MODELS:
        write(name)


if __name__ == "__main__":
    main()
