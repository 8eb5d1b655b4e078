"""Random models whose activations have outlier channels.

In trained models a few channels are ten to fifty times as large as the others, in the same places for every token:
their weights in the norms are large, and so are some values between the two matrices of an MLP. Rounding to 8 bits,
with one scale for 32 or 256 values, loses much of what stands beside them. Here every matrix is normal(0, 1 /
sqrt(inputs)); then of the inputs of each product one in a hundred is made s times as large, where it is written, and
its column in the matrix that reads it is divided by sqrt(s): large values meet small weights, and still count for more
than others. Logits have a deviation of 4, so that likely and unlikely tokens differ as they do in trained models.
"""
from dataclasses import dataclass

import numpy as np

SHARE = 0.01  # of channels
LOGIT_DEVIATION = 4


@dataclass(frozen=True)
class Sizes:
    width: int
    layers: int
    heads: int
    kv_heads: int
    middle: int  # of the MLPs

    @property
    def head(self):
        return self.width // self.heads


class Weights:
    """Draws tensors by name, [outputs, inputs]."""

    def __init__(self, sizes, vocabulary, strength, seed):
        self.sizes, self.strength, self.random = sizes, strength, np.random.default_rng(seed)
        self.tensors = {"token_embd.weight": self.normal(vocabulary, sizes.width, 1)}
        for layer in range(sizes.layers):
            self.add_layer(f"blk.{layer}.")
        self.tensors["output_norm.weight"] = np.full(sizes.width, LOGIT_DEVIATION, np.float32)
        self.tensors["output.weight"] = self.matrix(vocabulary, sizes.width)

    def normal(self, rows, columns, deviation):
        return self.random.standard_normal((rows, columns), np.float32) * np.float32(deviation)

    def matrix(self, rows, columns):
        return self.normal(rows, columns, columns**-0.5)

    def factors(self, size):
        """1 for most channels; from a quarter of the strength to all of it for the outliers."""
        out = np.ones(size, np.float32)
        where = self.random.choice(size, max(1, round(SHARE * size)), replace=False)
        least = max(1, self.strength / 4)
        out[where] = np.exp(self.random.uniform(np.log(least), np.log(self.strength), len(where)))
        return out

    def add_layer(self, front):
        s, t = self.sizes, self.tensors
        kv = s.kv_heads * s.head
        # The residual stream keeps its size: each of its 2 * layers writers adds as much.
        writes = (2 * s.layers)**-0.5
        t[front + "attn_norm.weight"] = read = self.factors(s.width)
        for name, rows in (("attn_q", s.width), ("attn_k", kv), ("attn_v", kv)):
            t[f"{front}{name}.weight"] = self.matrix(rows, s.width) / np.sqrt(read)
        t[front + "attn_output.weight"] = self.matrix(s.width, s.width) * np.float32(writes)
        t[front + "ffn_norm.weight"] = read = self.factors(s.width)
        t[front + "ffn_gate.weight"] = self.matrix(s.middle, s.width) / np.sqrt(read)
        middle = self.factors(s.middle)
        t[front + "ffn_up.weight"] = self.matrix(s.middle, s.width) / np.sqrt(read) * middle[:, None]
        t[front + "ffn_down.weight"] = self.matrix(s.width, s.middle) / np.sqrt(middle) * np.float32(writes)
