#!/usr/bin/env python3
"""What quantising the starter model changes, beside what ggml's reference quantizer changes of the same weights.

    build ggml's quantizer as tools/make_quantizer_oracle.py says, then
    .venv/bin/python bench/quantization_peer.py build/lathe ggml/libquants.so      # needs numpy and gguf

Writes the starter as f32, quantises it with `lathe export`, and puts ggml's blocks of the same f32 values in the place of
ours in a copy. Both are read with `lathe inspect logits` over the text of certificates, in pieces as certificates have
them, and compared with the f32 model's logits: the numbers of `Lathe` are those of the certificate.
"""
import ctypes
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from gguf import GGUFReader

SOURCE = Path(__file__).resolve().parent.parent
PIECE = 512
TYPES = {"q8_0": ("quantize_row_q8_0_ref", "Q8_0"), "q6_k": ("quantize_row_q6_K_ref", "Q6_K"),
         "q4_k": ("quantize_row_q4_K_ref", "Q4_K"), "q4_0": ("quantize_row_q4_0_ref", "Q4_0")}


def lathe(program, *arguments):
    return subprocess.run([program, *map(str, arguments)], check=True, capture_output=True, text=True).stdout


def text_ids(program, model):
    code = (SOURCE / "src/evaluation/parity_text.cc").read_text()
    text = code.split('R"text(')[1].split(')text"')[0]
    rows = model.parent / "rows.jsonl"
    rows.write_text(json.dumps({"text": text}) + "\n")
    return json.loads(lathe(program, "inspect", "tokens", model, "--jsonl", rows, "--json"))["ids"]


def logits(program, model, pieces):
    """Of every position, in f64."""
    all_rows = []
    out = model.parent / "logits.safetensors"
    for ids in pieces:
        lathe(program, "inspect", "logits", model, "--ids", ",".join(map(str, ids)), "--out", out)
        raw = out.read_bytes()
        length = int.from_bytes(raw[:8], "little")
        shape = json.loads(raw[8:8 + length])["logits"]["shape"]
        all_rows.append(np.frombuffer(raw, np.float32, offset=8 + length).reshape(shape).astype(np.float64))
    return all_rows


def log_softmax(x):
    x = x - x.max(axis=1, keepdims=True)
    return x - np.log(np.exp(x).sum(axis=1, keepdims=True))


def compare(before, after, pieces):
    kl, surprise, same, largest = [], [], [], 0
    for a, b, ids in zip(before, after, pieces):
        p, q = log_softmax(a), log_softmax(b)
        kl.append((np.exp(p) * (p - q)).sum(axis=1))
        same.append(a.argmax(axis=1) == b.argmax(axis=1))
        surprise.append(-q[np.arange(len(ids) - 1), ids[1:]])
        largest = max(largest, np.abs(a - b).max())
    kl = np.concatenate(kl)
    return {"perplexity": float(np.exp(np.concatenate(surprise).mean())), "mean_kl": float(kl.mean()),
            "max_kl": float(kl.max()), "same": float(np.concatenate(same).mean()), "logit": float(largest)}


def put_peers_blocks(library, function, name, wide, ours, theirs):
    """A copy of `ours` in which every tensor of the type has ggml's blocks of the values in `wide`."""
    shutil.copy(ours, theirs)
    values = {t.name: t.data for t in GGUFReader(wide).tensors}
    with open(theirs, "r+b") as out:
        for tensor in GGUFReader(ours).tensors:
            if tensor.tensor_type.name != name:
                continue
            floats = np.ascontiguousarray(values[tensor.name], np.float32).reshape(-1)
            blocks = np.zeros(tensor.n_bytes, np.uint8)
            getattr(library, function)(floats.ctypes.data_as(ctypes.c_void_p), blocks.ctypes.data_as(ctypes.c_void_p),
                                       ctypes.c_int64(floats.size))
            out.seek(tensor.data_offset)
            out.write(blocks.tobytes())


def row(who, kind, size, numbers):
    print(f"| {kind} | {who} | {size / 1e6:.2f} MB | {numbers['perplexity']:.4f} | {numbers['mean_kl']:.2e} | "
          f"{numbers['max_kl']:.2e} | {100 * numbers['same']:.1f} % | {numbers['logit']:.3f} |")


def main():
    program, library = sys.argv[1], ctypes.CDLL(sys.argv[2])
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        wide = folder / "f32.gguf"
        lathe(program, "export", SOURCE / "starter/lathe-starter.gguf", "--quantize", "f32", "--out", wide)
        ids = text_ids(program, wide)
        pieces = [ids[i:i + PIECE] for i in range(0, len(ids), PIECE)]
        before = logits(program, wide, pieces)
        print("| type | by | file | perplexity | mean KL | largest KL | same top token | largest logit difference |")
        print("|---|---|---|---|---|---|---|---|")
        row("", "f32", wide.stat().st_size, compare(before, before, pieces))
        for kind, (function, name) in TYPES.items():
            ours, theirs = folder / f"{kind}.gguf", folder / f"{kind}-ggml.gguf"
            lathe(program, "export", wide, "--quantize", kind, "--out", ours)
            put_peers_blocks(library, function, name, wide, ours, theirs)
            for who, model in (("Lathe", ours), ("ggml", theirs)):
                row(who, kind, model.stat().st_size, compare(before, logits(program, model, pieces), pieces))


if __name__ == "__main__":
    main()
