#!/usr/bin/env python3
"""Holds `lathe inspect logits --adapter` to PEFT on random adapters over random models of every decoder family.

    .venv/bin/python tools/check_adapters.py [KIND ...] [--cases 24] [--seed 1] [--out bench/results/adapters.md]

Each case makes a model (family_cases.py), puts a PEFT adapter of random weights on it, saves both, loads them with PEFT
in float32 and compares the logits of the ids' positions: at most 1e-4 apart, in units of their spread.
"""
import argparse
import collections
import json
import random
import shutil
import sys
import tempfile
from pathlib import Path

import peft
import torch
from safetensors.torch import load_file, save_file
from transformers.pytorch_utils import Conv1D

import oracle
from family_cases import FAMILIES, chance, draw

RANKS = ("equal", "rounding", "DIFFERS")


def linears(model):
    """Names of linear modules inside the layers that adapters may go to."""
    head = model.get_output_embeddings()
    return [name for name, module in model.named_modules()
            if isinstance(module, (torch.nn.Linear, Conv1D)) and module is not head]


def ends(model):
    return sorted({name.split(".")[-1] for name in linears(model)})


def some(rng, items):
    return sorted(rng.sample(items, rng.randint(1, len(items))))


def lora(model, rng, **more):
    names = ends(model)
    rank = rng.choice((1, 2, 4, 7))
    settings = dict(r=rank, lora_alpha=rng.choice((1, 4, 8.0, 16)), lora_dropout=rng.choice((0.0, 0.1)),
                    target_modules=some(rng, names), fan_in_fan_out=chance(rng, 0.3), task_type="CAUSAL_LM")
    return {**settings, **more}


def draw_lora(model, rng):
    return peft.LoraConfig(**lora(model, rng))


def draw_all_linear(model, rng):
    return peft.LoraConfig(**lora(model, rng, target_modules="all-linear", use_rslora=chance(rng, 0.5)))


def draw_regex(model, rng):
    end = rng.choice(ends(model))
    return peft.LoraConfig(**lora(model, rng, target_modules=rng.choice((rf".*\.{end}", rf".*\.0\..*\.{end}$",
                                                                        rf".*({end[:3]}).*"))))


def draw_patterns(model, rng):
    names = linears(model)
    keys = [rng.choice(names), rng.choice(names).split(".", 1)[1]]
    if chance(rng, 0.3):
        keys = ["^" + rng.choice(names).replace(".", r"\.")]
    return peft.LoraConfig(**lora(model, rng, target_modules=ends(model), use_rslora=chance(rng, 0.5),
                                  rank_pattern={keys[0]: 3}, alpha_pattern={keys[-1]: 5}))


def draw_layers(model, rng):
    layers = len({n for n, _ in model.named_modules() if n.split(".")[-1].isdigit() and n.count(".") == 2})
    chosen = rng.sample(range(layers), rng.randint(1, layers))
    more = dict(layers_to_transform=chosen if chance(rng, 0.7) else chosen[0])
    if chance(rng, 0.3):
        more["layers_pattern"] = "h" if hasattr(model, "transformer") else "layers"
    if chance(rng, 0.3):
        more["exclude_modules"] = [ends(model)[0]]
        more["target_modules"] = ends(model)[-1:] + ends(model)[:1]
        if more["target_modules"][0] == more["target_modules"][1]:
            del more["exclude_modules"]
    return peft.LoraConfig(**lora(model, rng, **more))


def draw_bias(model, rng):
    return peft.LoraConfig(**lora(model, rng, bias=rng.choice(("all", "lora_only"))))


def draw_lora_bias(model, rng):
    names = [n for n in ends(model) if all(m.bias is not None for k, m in model.named_modules() if k.endswith("." + n)
                                           and isinstance(m, torch.nn.Linear))]
    return peft.LoraConfig(**lora(model, rng, lora_bias=True, target_modules=names or ends(model)))


def input_name(model):
    return next(n for n, m in model.named_modules() if m is model.get_input_embeddings()).split(".")[-1]


def output_name(model):
    return next(n for n, m in model.named_modules() if m is model.get_output_embeddings())


def norm_name(model):
    names = [n.split(".")[-1] for n, m in model.named_modules() if "norm" in n.split(".")[-1] or "ln_" in n]
    return names[-1]


def draw_modules_to_save(model, rng):
    tied = model.config.tie_word_embeddings
    saved = some(rng, [norm_name(model), input_name(model), *([] if tied else [output_name(model)])])
    return peft.LoraConfig(**lora(model, rng, modules_to_save=saved))


def draw_dora(model, rng):
    return peft.LoraConfig(**lora(model, rng, use_dora=True, use_rslora=chance(rng, 0.3)))


def draw_embeddings(model, rng):
    return peft.LoraConfig(**lora(model, rng, target_modules=[input_name(model), ends(model)[0]]))


def draw_token_rows(model, rng):
    tokens = rng.sample(range(model.config.vocab_size), 5)
    return peft.LoraConfig(**lora(model, rng, trainable_token_indices=tokens))


def draw_prompt(model, rng):
    return peft.PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=rng.randint(1, 9))


def draw_p_tuning(model, rng):
    return peft.PromptEncoderConfig(task_type="CAUSAL_LM", num_virtual_tokens=rng.randint(1, 9),
                                    encoder_reparameterization_type=rng.choice(("MLP", "LSTM")),
                                    encoder_hidden_size=rng.choice((8, 20)))


def draw_prefix(model, rng):
    return peft.PrefixTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=rng.randint(1, 9),
                                   prefix_projection=chance(rng, 0.5), encoder_hidden_size=12)


def draw_ia3(model, rng):
    targets = some(rng, ends(model))
    return peft.IA3Config(task_type="CAUSAL_LM", target_modules=targets,
                          feedforward_modules=[t for t in targets if chance(rng, 0.4)])


KINDS = {name[5:]: function for name, function in list(globals().items()) if name.startswith("draw_")}


def fill(model, config, seed):
    """Random values for all that the adapter has, saved biases and modules included."""
    generator = torch.Generator().manual_seed(seed)
    bias = getattr(config, "bias", "none")
    targets = {n.rpartition(".base_layer")[0] for n, _ in model.named_modules() if n.endswith(".base_layer")}
    for name, p in model.named_parameters():
        is_bias = name.endswith(".bias") and (bias == "all" or (bias == "lora_only" and ".base_layer." in name))
        own = any(part in name for part in ("lora_", "modules_to_save", "ia3_", "prompt_encoder", "trainable_tokens_d"))
        if not own and not is_bias:
            continue
        noise = torch.randn(p.shape, generator=generator)
        with torch.no_grad():
            if "magnitude" in name or "ia3_" in name:
                p.mul_(1 + 0.3 * noise)
            elif "modules_to_save" in name or is_bias:
                p.add_(0.2 * noise)
            else:
                p.copy_(0.3 * noise)
    return targets


def write_case(family, rng, number, scratch, kind):
    case = draw(family, rng)
    case.old_names, case.shards, case.prefix, case.head_too = False, 1, True, False
    base = scratch / "model"
    shutil.rmtree(base, ignore_errors=True)
    model = oracle.write_folder(case, number, base)
    config = KINDS[kind](model, rng)
    tuned = peft.get_peft_model(model, config).eval()
    fill(tuned, config, number)
    folder = scratch / "adapter"
    shutil.rmtree(folder, ignore_errors=True)
    tuned.save_pretrained(folder)
    if chance(rng, 0.3):
        path = folder / "adapter_model.safetensors"
        half = rng.choice((torch.float16, torch.bfloat16))
        save_file({n: t.to(half) for n, t in load_file(path).items()}, path, metadata={"format": "pt"})
    model_type = json.loads((base / "config.json").read_text())["model_type"]
    fresh = oracle.AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32,
                                                        **oracle.implementations(model_type))
    loaded = peft.PeftModel.from_pretrained(fresh, folder, autocast_adapter_dtype=True).float().eval()
    return base, folder, loaded, (case, config)


def precise(model, ids, *seed):
    with torch.no_grad():
        return oracle.in_double(model, *seed)(input_ids=ids[None]).logits[0][-len(ids):].float()


def run_case(kind, family, seed, number, scratch, program):
    rng = random.Random(f"{kind} {family} {seed} {number}")
    try:
        base, folder, model, what = write_case(family, rng, number, scratch, kind)
        virtual = getattr(what[1], "num_virtual_tokens", 0)
        room = model.config.max_position_embeddings - virtual
        lists = oracle.id_lists(model.config.vocab_size, room, number)
        wanted = []
        with torch.no_grad():
            for ids in lists:
                logits = model(input_ids=ids[None]).logits[0]
                wanted.append(logits[-len(ids):])
    except Exception as error:
        return "invalid", f"{type(error).__name__}: {error}", None
    worst, rank = 0.0, 0
    for ids, want in zip(lists, wanted):
        try:
            got = oracle.lathe_logits(base, ids, scratch, adapter=folder, program=program)
        except oracle.Refused as refusal:
            return "refused", str(refusal), what
        found, verdict = oracle.judge(got, want, lambda *seed: precise(model, ids, *seed))
        worst, rank = max(worst, found), max(rank, RANKS.index(verdict))
    return RANKS[rank], worst, what


def check_kind(kind, options, scratch):
    counts, worst, notes = collections.Counter(), 0.0, collections.Counter()
    number = -1
    while sum(counts.values()) - counts["invalid"] < options.cases and number < 6 * options.cases:
        number += 1
        if options.only is not None and number != options.only:
            continue
        family = options.family or FAMILIES[number % len(FAMILIES)]
        verdict, found, what = run_case(kind, family, options.seed, number, scratch, options.lathe)
        counts[verdict] += 1
        if verdict in RANKS:
            worst = max(worst, found)
        elif verdict == "refused":
            notes[f"{family}: " + (found or "?").splitlines()[0].replace(str(scratch) + "/", "")] += 1
        if verdict not in ("equal", "rounding") and (verdict != "invalid" or options.verbose):
            print(f"{kind} {number} {family} {verdict}: {found}\n    {what}", flush=True)
        if options.only is not None:
            break
    return counts, worst, notes


def report(rows, options):
    lines = ["# PEFT adapters against PEFT", "",
             f"    tools/check_adapters.py --cases {options.cases} --seed {options.seed}", "",
             f"PEFT {peft.__version__}, PyTorch {torch.__version__}. Adapters of random weights on random models of all "
             "families in turn; five texts each. Differences are in units of the logits' spread, at least 1; equal "
             f"means at most {oracle.TOLERANCE:g}; rounding: more, in a model that amplifies rounding, where PEFT's own "
             "float32 is as far from its float64. A case that PEFT itself cannot make or run is drawn again.", "",
             "| kind | cases | equal | rounding | refused | different | worst difference |",
             "|---|--:|--:|--:|--:|--:|--:|"]
    refusals = ["", "## Refusals", ""]
    for kind, (counts, worst, notes) in rows.items():
        cases = sum(counts.values()) - counts["invalid"]
        lines.append(f"| {kind} | {cases} | {counts['equal']} | {counts['rounding']} | {counts['refused']} | "
                     f"{counts['DIFFERS']} | {worst:.1e} |")
        refusals += [f"- {kind}, {count}: {note}" for note, count in notes.most_common()]
    return "\n".join(lines + (refusals if len(refusals) > 3 else ["", "Nothing was refused."])) + "\n"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("kinds", nargs="*", default=[])
    parser.add_argument("--cases", type=int, default=24)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--family")
    parser.add_argument("--only", type=int)
    parser.add_argument("--keep", type=Path, help="leave the last model and adapter here")
    parser.add_argument("--verbose", action="store_true", help="also say why cases were drawn again")
    parser.add_argument("--lathe", type=Path, default=oracle.LATHE)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    print(f"seed {options.seed}")
    torch.set_num_threads(1)
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        scratch = options.keep or Path(folder)
        for kind in options.kinds or KINDS:
            rows[kind] = check_kind(kind, options, scratch)
            counts, worst, _ = rows[kind]
            print(kind, dict(counts), f"worst {worst:.2e}", flush=True)
    if options.out:
        options.out.write_text(report(rows, options))
    sys.exit(any(counts["DIFFERS"] for counts, _, _ in rows.values()))


if __name__ == "__main__":
    main()
