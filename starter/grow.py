#!/usr/bin/env python3
"""Grows a model of the LLaMA family by layers that do nothing yet: training goes on from the same losses, deeper.

    python3 starter/grow.py MODEL --after 1,3 --out FOLDER

MODEL is a folder that `lathe pretrain` or `lathe export` wrote (one f32 safetensors file).  After each named layer
comes a copy of it whose two output projections are zero: the copy adds nothing to the residual stream until training
moves them.
"""
import argparse
import json
import shutil
import struct
from pathlib import Path

# Zero here means that a layer's attention and its feed-forward part add nothing.
OUTPUTS = ("self_attn.o_proj.weight", "mlp.down_proj.weight")
PREFIX = "model.layers."


def read_safetensors(path):
    """name -> (dtype, shape, bytes)."""
    data = path.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + size])
    body = data[8 + size:]
    return {name: (entry["dtype"], entry["shape"], body[slice(*entry["data_offsets"])])
            for name, entry in header.items() if name != "__metadata__"}


def write_safetensors(path, tensors):
    header, offset = {}, 0
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [offset, offset + len(data)]}
        offset += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text)
        for _, _, data in tensors.values():
            out.write(data)


def plan(layers, after):
    """(old layer, is a silent copy) for each layer of the grown model."""
    return [step for old in range(layers) for step in [(old, False)] + [(old, True)] * after.count(old)]


def grow(tensors, layers, after):
    """The tensors of the grown model."""
    out = {name: tensor for name, tensor in tensors.items() if not name.startswith(PREFIX)}
    for new, (old, silent) in enumerate(plan(layers, after)):
        for name, (dtype, shape, data) in tensors.items():
            if name.startswith(f"{PREFIX}{old}."):
                part = name[len(f"{PREFIX}{old}."):]
                out[f"{PREFIX}{new}.{part}"] = (dtype, shape, bytes(len(data)) if silent and part in OUTPUTS else data)
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--after", required=True, type=lambda text: [int(n) for n in text.split(",")],
                        help="layers (from 0) that get a silent copy behind them")
    parser.add_argument("--out", required=True, type=Path)
    args = parser.parse_args()
    config = json.loads((args.model / "config.json").read_text())
    layers = config["num_hidden_layers"]
    if any(not 0 <= n < layers for n in args.after):
        parser.error(f"--after names layers 0 to {layers - 1} of this model")
    config["num_hidden_layers"] = layers + len(args.after)
    beside = args.out.with_name(args.out.name + ".part")  # a folder of the final name is a whole model
    shutil.rmtree(beside, ignore_errors=True)
    shutil.copytree(args.model, beside)
    (beside / "config.json").write_text(json.dumps(config, indent=2))
    write_safetensors(beside / "model.safetensors",
                      grow(read_safetensors(args.model / "model.safetensors"), layers, args.after))
    beside.rename(args.out)


if __name__ == "__main__":
    main()
