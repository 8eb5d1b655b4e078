#!/usr/bin/env python3
"""Writes testdata/quants/blocks.safetensors: random blocks of each quantised type of GGUF, and their values.

    python3 -m venv .venv && .venv/bin/pip install gguf numpy safetensors
    .venv/bin/python tools/make_quant_oracle.py

For q8_0 and q4_0 there are also `TYPE.quantized` u8, the blocks that gguf-py makes of `floats` f32.  For each TYPE there
are `TYPE.blocks` u8 [blocks, bytes a block] and `TYPE.values` f32 [blocks, values a block], the latter by gguf-py's own NumPy code, which shares nothing with ours.
"""
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType, quants
from gguf.constants import GGML_QUANT_SIZES
from safetensors.numpy import save_file

# Where the f16 scales of a block stand, in bytes; every other bit may be anything.
SCALES = {"Q8_0": (0,), "Q4_0": (0,), "Q4_1": (0, 2), "Q5_0": (0,), "Q5_1": (0, 2), "IQ4_NL": (0,), "Q2_K": (80, 82),
          "Q3_K": (108,), "Q4_K": (0, 2), "Q5_K": (0, 2), "Q6_K": (208,), "IQ4_XS": (0,)}
BLOCKS = 6


def blocks_of(name, rng):
    _, size = GGML_QUANT_SIZES[GGMLQuantizationType[name]]
    blocks = rng.integers(0, 256, (BLOCKS, size), dtype=np.uint8)
    for place in SCALES[name]:
        scales = rng.normal(0, 0.1, BLOCKS).astype(np.float16)
        blocks[:, place:place + 2] = scales[:, None].view(np.uint8)
    return blocks


def main():
    rng = np.random.default_rng(20417)
    tensors = {}
    for name in SCALES:
        blocks = blocks_of(name, rng)
        tensors[name.lower() + ".blocks"] = blocks
        tensors[name.lower() + ".values"] = quants.dequantize(blocks, GGMLQuantizationType[name]).astype(np.float32)
    floats = rng.normal(0, 1, (8, 32)).astype(np.float32)
    floats[3] = 0
    floats[4, :5] = -floats[4].max()
    tensors["floats"] = floats
    for name in ("Q8_0", "Q4_0"):
        tensors[name.lower() + ".quantized"] = quants.quantize(floats, GGMLQuantizationType[name])
    out = Path(__file__).resolve().parent.parent / "testdata" / "quants"
    out.mkdir(parents=True, exist_ok=True)
    save_file(tensors, out / "blocks.safetensors")


if __name__ == "__main__":
    main()
