#!/usr/bin/env python3
"""Holds `lathe inspect logits` to transformers on random models of every decoder family.

    python3 -m venv .venv && .venv/bin/pip install torch transformers peft
    .venv/bin/python tools/check_families.py [FAMILY ...] [--cases 40] [--seed 1] [--out bench/results/families.md]

Each case draws a configuration and a form of its files (family_cases.py), saves a random model, and compares the logits
of texts of one token up to as many as the model has positions with transformers' float32 ones: at most 1e-4 apart, in
units of their spread.  A case is repeated by its number: `--only N`.
"""
import argparse
import collections
import random
import shutil
import sys
import tempfile
from pathlib import Path

import torch
import transformers

import oracle
from family_cases import FAMILIES, draw

RANKS = ("equal", "rounding", "DIFFERS")


def precise(model, ids, *seed):
    with torch.no_grad():
        return oracle.in_double(model, *seed)(ids[None], use_cache=False).logits[0].float()


def run_case(family, seed, number, scratch, program):
    rng = random.Random(f"{family} {seed} {number}")
    case = draw(family, rng)
    folder = scratch / "model"
    shutil.rmtree(folder, ignore_errors=True)
    try:
        model = oracle.write_folder(case, number, folder)
        lists = oracle.id_lists(model.config.vocab_size, model.config.max_position_embeddings, number)
        with torch.no_grad():
            wanted = [model(ids[None], use_cache=False).logits[0] for ids in lists]
    except Exception as error:  # transformers cannot make it: no case
        return case, "invalid", f"{type(error).__name__}: {error}"
    worst, rank = 0.0, 0
    for ids, want in zip(lists, wanted):
        try:
            got = oracle.lathe_logits(folder, ids, scratch, program=program)
        except oracle.Refused as refusal:
            return case, "refused", str(refusal)
        found, verdict = oracle.judge(got, want, lambda *seed: precise(model, ids, *seed))
        worst, rank = max(worst, found), max(rank, RANKS.index(verdict))
    return case, RANKS[rank], worst


def check_family(family, options, scratch):
    counts, worst, notes = collections.Counter(), 0.0, collections.Counter()
    number = -1
    while sum(counts.values()) - counts["invalid"] < options.cases and number < 6 * options.cases:
        number += 1
        if options.only is not None and number != options.only:
            continue
        case, verdict, what = run_case(family, options.seed, number, scratch, options.lathe)
        counts[verdict] += 1
        if verdict in RANKS:
            worst = max(worst, what)
        elif verdict == "refused":
            notes[what.splitlines()[0].replace(str(scratch / "model"), "MODEL")] += 1
        if verdict in ("refused", "DIFFERS", "invalid") and not (verdict == "invalid" and options.only is None):
            print(f"{family} {number} {verdict}: {what}\n    {case}", flush=True)
        if options.only is not None:
            break
    return counts, worst, notes


def report(rows, options):
    lines = ["# Families against transformers", "",
             f"    tools/check_families.py --cases {options.cases} --seed {options.seed}", "",
             f"transformers {transformers.__version__}, PyTorch {torch.__version__}. A case is a random configuration "
             "in one of the forms that users have (old or new spelling, F32, F16 or BF16, shards, prefixes, buffers); "
             "five texts each, the longest as long as the model has positions. Differences are in units of the "
             f"logits' spread, at least 1; equal means at most {oracle.TOLERANCE:g}; rounding: more, in a model that "
             "amplifies rounding, where transformers' own float32 is as far from its float64.", "",
             "| family | cases | equal | rounding | refused | different | worst difference |",
             "|---|--:|--:|--:|--:|--:|--:|"]
    refusals = ["", "## Refusals", ""]
    for family, (counts, worst, notes) in rows.items():
        cases = sum(counts.values()) - counts["invalid"]
        lines.append(f"| {family} | {cases} | {counts['equal']} | {counts['rounding']} | {counts['refused']} | "
                     f"{counts['DIFFERS']} | {worst:.1e} |")
        refusals += [f"- {family}, {count}: {note}" for note, count in notes.most_common()]
    return "\n".join(lines + (refusals if len(refusals) > 3 else ["", "Nothing was refused."])) + "\n"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("families", nargs="*", default=[])
    parser.add_argument("--cases", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int)
    parser.add_argument("--keep", type=Path, help="leave the last model here")
    parser.add_argument("--lathe", type=Path, default=oracle.LATHE)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    print(f"seed {options.seed}")
    torch.set_num_threads(1)
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        scratch = options.keep or Path(folder)
        for family in options.families or FAMILIES:
            rows[family] = check_family(family, options, scratch)
            counts, worst, _ = rows[family]
            print(family, dict(counts), f"worst {worst:.2e}", flush=True)
    text = report(rows, options)
    if options.out:
        options.out.write_text(text)
    sys.exit(any(counts["DIFFERS"] for counts, _, _ in rows.values()))


if __name__ == "__main__":
    main()
