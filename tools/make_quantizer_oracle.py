#!/usr/bin/env python3
"""Writes testdata/quants/search.safetensors: values, and the blocks that ggml's reference quantizer makes of them.

    git clone https://github.com/ggml-org/ggml && cd ggml
    echo 'void ggml_abort() {} void ggml_row_size() {} void ggml_type_name() {} void ggml_type_size() {}' > stub.c
    gcc -O2 -fPIC -shared -Iinclude -Isrc -Isrc/ggml-cpu src/ggml-quants.c stub.c -o libquants.so -lm
    .venv/bin/python tools/make_quantizer_oracle.py ggml/libquants.so      # needs numpy and safetensors

`KIND.floats` f32 [blocks, 256] for weights as networks have them: `normal`; `channels`, a few columns twelve times as
large as the others; `heavy`, Student's t of four degrees. `KIND.TYPE` u8 [blocks, bytes a block] for q4_k and q6_k, whose
scales are searched: many blocks are right, and ours must not lose more than these.
"""
import ctypes
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

BLOCKS = 12
TYPES = {"q4_k": ("quantize_row_q4_K_ref", 144), "q6_k": ("quantize_row_q6_K_ref", 210)}


def main():
    library = ctypes.CDLL(sys.argv[1])
    rng = np.random.default_rng(4711)
    normal = rng.normal(0, 0.02, (BLOCKS, 256))
    channels = rng.normal(0, 0.02, (BLOCKS, 256))
    channels[:, 5::37] *= 12
    kinds = {"normal": normal, "channels": channels, "heavy": 0.02 * rng.standard_t(4, (BLOCKS, 256))}
    tensors = {}
    for kind, values in kinds.items():
        floats = np.ascontiguousarray(values, np.float32)
        tensors[kind + ".floats"] = floats
        for name, (function, size) in TYPES.items():
            blocks = np.zeros((BLOCKS, size), np.uint8)
            getattr(library, function)(floats.ctypes.data_as(ctypes.c_void_p), blocks.ctypes.data_as(ctypes.c_void_p),
                                       ctypes.c_int64(floats.size))
            tensors[f"{kind}.{name}"] = blocks
    out = Path(__file__).resolve().parent.parent / "testdata" / "quants" / "search.safetensors"
    save_file(tensors, out)


if __name__ == "__main__":
    main()
