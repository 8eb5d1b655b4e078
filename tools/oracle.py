"""What the checks against transformers and PEFT share: small models with weights that show every part, folders as users
have them, and what the built program makes of them."""
import copy
import json
import math
import subprocess
from pathlib import Path

import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM

from family_cases import MODEL_TYPES

SOURCE = Path(__file__).resolve().parent.parent
LATHE = SOURCE / "build" / "lathe"
transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()


def implementations(model_type):
    # Soft caps need "eager"; but with it transformers adds Falcon's ALiBi twice, to the mask and to the scores.
    return dict(attn_implementation="sdpa" if model_type == "falcon" else "eager",
                **({"experts_implementation": "eager"} if model_type in ("mixtral", "qwen3_moe") else {}))


def fill(model, seed):
    """Weights whose products keep a spread of about 1; norms and biases away from 1 and 0."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in model.named_parameters():
            noise = torch.randn(p.shape, generator=generator)
            if p.dim() == 1:
                p.copy_((0.0 if name.endswith("bias") else 1.0) + 0.3 * noise)
            else:
                fan_in = p.shape[0] if name.startswith("transformer.h") and "c_" in name else p.shape[-1]
                p.copy_(noise / math.sqrt(fan_in))


def make_model(case, seed):
    model_type = MODEL_TYPES.get(case.family, case.family)
    settings = json.loads(json.dumps(case.settings))  # the class writes into what it is given
    config = AutoConfig.for_model(model_type, **settings)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32, **implementations(model_type)).eval()
    fill(model, seed)
    return model


def old_rope(config, key):
    """rope_theta and rope_scaling, as before transformers 5."""
    parameters = config.pop("rope_parameters", None)
    if not parameters:
        return
    if "full_attention" in parameters or "sliding_attention" in parameters:  # Gemma 3
        full = dict(parameters.get("full_attention") or {})
        window = dict(parameters.get("sliding_attention") or {})
        if window.get("rope_type", "default") != "default":
            config["rope_parameters"] = parameters  # the old spelling cannot say it
            return
        config["rope_theta"] = full.pop("rope_theta", 1e6)
        config["rope_local_base_freq"] = window.get("rope_theta", 10000.0)
        kind = full.pop("rope_type", "default")
        if kind != "default":
            config["rope_scaling"] = {key: kind, **full}
        return
    parameters = dict(parameters)
    theta, kind = parameters.pop("rope_theta"), parameters.pop("rope_type")
    parameters.pop("type", None)
    share = parameters.pop("partial_rotary_factor", None)
    if config["model_type"] == "gpt_neox":
        config["rotary_emb_base"], config["rotary_pct"] = theta, 1.0 if share is None else share
    else:
        config["rope_theta"] = theta
        if share is not None:
            config["partial_rotary_factor"] = share
    if config["model_type"] == "phi3":
        parameters.pop("original_max_position_embeddings", None)
    config["rope_scaling"] = None if kind == "default" else {key: kind, **parameters}


def write_config(case, folder):
    path = folder / "config.json"
    config = json.loads(path.read_text())
    if case.rope_spelling != "new":
        old_rope(config, case.rope_spelling)
    if case.drops_defaults:
        defaults = AutoConfig.for_model(config["model_type"]).to_dict()
        kept = ("model_type", "architectures", "rope_parameters")
        config = {k: v for k, v in config.items() if k in kept or k not in defaults or defaults[k] != v}
    if case.torch_dtype and "dtype" in config:
        config["torch_dtype"] = config.pop("dtype")
    path.write_text(json.dumps(config, indent=1))


def to_refined_web(folder):
    """Falcon's config.json of its first weeks, which transformers itself reads by code of the folder only."""
    path = folder / "config.json"
    config = json.loads(path.read_text())
    defaults = dict(new_decoder_architecture=False, multi_query=True, parallel_attn=True, alibi=False, bias=False)
    config = {**defaults, **config}
    grouped = config.pop("new_decoder_architecture")
    config["model_type"] = "RefinedWeb" if grouped else "RefinedWebModel"
    config["architectures"] = ["RWForCausalLM"]
    config["n_head"] = config.pop("num_attention_heads", 71)
    config["n_layer"] = config.pop("num_hidden_layers", 32)
    if grouped:
        config["n_head_kv"] = config.pop("num_kv_heads", config["n_head"])
        del config["multi_query"], config["parallel_attn"]
    else:
        config.pop("num_kv_heads", None)
    path.write_text(json.dumps(config, indent=1))


BUFFERS = {
    "gpt2": lambda n: {f"transformer.h.{n}.attn.bias": torch.ones(1, 1, 8, 8, dtype=torch.bool),
                       f"transformer.h.{n}.attn.masked_bias": torch.tensor(-1e4)},
    "gpt_neox": lambda n: {f"gpt_neox.layers.{n}.attention.bias": torch.ones(1, 1, 8, 8, dtype=torch.bool),
                           f"gpt_neox.layers.{n}.attention.masked_bias": torch.tensor(-1e4),
                           f"gpt_neox.layers.{n}.attention.rotary_emb.inv_freq": torch.ones(2)},
    "falcon": lambda n: {f"transformer.h.{n}.self_attention.rotary.inv_freq": torch.ones(2)},
}


def usual_buffers(n):
    return {f"model.layers.{n}.self_attn.rotary_emb.inv_freq": torch.ones(2)}


def write_weights(case, folder):
    path = folder / "model.safetensors"
    tensors = {name: t.to(getattr(torch, case.dtype)) for name, t in load_file(path).items()}
    prefix = {"gpt2": "transformer.", "falcon": "transformer.", "gpt_neox": "gpt_neox."}.get(case.family, "model.")
    if case.head_too:
        embedding = next(n for n in tensors if n.split(".")[-2] in ("wte", "word_embeddings", "embed_tokens", "embed_in"))
        tensors["embed_out.weight" if case.family == "gpt_neox" else "lm_head.weight"] = tensors[embedding].clone()
    if case.buffers:
        layers = case.settings.get("num_hidden_layers", case.settings.get("n_layer"))
        for n in range(layers):
            tensors.update(BUFFERS.get(case.family, usual_buffers)(n))
    if not case.prefix:
        tensors = {name.removeprefix(prefix): t for name, t in tensors.items()}
    path.unlink()
    if case.shards == 1:
        save_file(tensors, path, metadata={"format": "pt"})
        return
    names = list(tensors)
    weight_map = {}
    for i in range(case.shards):
        shard = f"model-{i + 1:05}-of-{case.shards:05}.safetensors"
        part = names[i::case.shards]
        save_file({name: tensors[name] for name in part}, folder / shard, metadata={"format": "pt"})
        weight_map.update(dict.fromkeys(part, shard))
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))


def write_folder(case, seed, folder):
    """The folder as users have it; the answer is transformers' own model of it, in f32."""
    model = make_model(case, seed)
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    write_config(case, folder)
    write_weights(case, folder)
    model_type = MODEL_TYPES.get(case.family, case.family)
    reference = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, **implementations(model_type)).eval()
    if case.old_names:
        to_refined_web(folder)
    return reference


def id_lists(vocab, positions, seed):
    generator = torch.Generator().manual_seed(seed)
    lengths = sorted({1, 2, min(9, positions), positions // 2, positions})
    return [torch.randint(0, vocab, (n,), generator=generator) for n in lengths if n > 0]


class Refused(Exception):
    pass


def lathe_logits(model, ids, scratch, adapter=None, program=LATHE):
    out = scratch / "logits.safetensors"
    out.unlink(missing_ok=True)
    command = [str(program), "inspect", "logits", str(model), "--ids", ",".join(map(str, ids.tolist())), "--out",
               str(out), "--home", str(scratch / "home")]
    if adapter is not None:
        command += ["--adapter", str(adapter)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise Refused(done.stderr.strip())
    return load_file(out)["logits"]


TOLERANCE = 1e-4


def in_double(model, shaken_by=None):
    """The model in float64; with a seed, each weight moved about half as far as rounding it to float32 may."""
    double = copy.deepcopy(model).double()
    if shaken_by is not None:
        generator = torch.Generator().manual_seed(shaken_by)
        with torch.no_grad():
            for p in double.parameters():
                p.mul_(1 + 2.0**-25 * torch.randn(p.shape, generator=generator))
    for module in double.modules():
        if hasattr(module, "reorder_and_upcast_attn"):  # GPT-2's insists on float32; the order is all it changes
            module.reorder_and_upcast_attn = False
    return double


def judge(got, want, precise):
    """The difference, and "equal", "rounding" or "DIFFERS".

    Some random models amplify rounding: transformers' own float32 result is then far from its float64 one.  precise()
    gives that one; "rounding" is a result within the tolerance of it, or at most eight times as far as transformers', or
    as far as float64's own results are from each other when weights move by less than float32 can say (precise(seed))."""
    found = difference(got, want)
    if found <= TOLERANCE:
        return found, "equal"
    exact = precise()
    off = difference(got, exact)
    if off <= max(TOLERANCE, 8 * difference(want, exact)):
        return found, "rounding"
    moved = max(difference(precise(seed), exact) for seed in range(8))
    return found, "rounding" if off <= 2 * moved else "DIFFERS"


def difference(got, want):
    """The largest, in units of the spread of what is wanted (at least 1)."""
    if got.shape != want.shape:
        return math.inf
    worst = (got - want).abs().max().item() / max(1.0, want.std().item() if want.numel() > 1 else 1.0)
    return math.inf if math.isnan(worst) else worst
