"""Logits of Lathe, by `lathe inspect`: in f32, and as its engine answers."""
import json
import math
import struct
from pathlib import Path

import numpy as np

from peers.failure import Failure
from peers.process import run


def read_logits(path):
    """The only tensor of a safetensors file, f32 [positions, vocabulary]."""
    data = Path(path).read_bytes()
    (size,) = struct.unpack_from("<Q", data)
    entry = json.loads(data[8:8 + size])["logits"]
    if entry["dtype"] != "F32":
        raise Failure(f"{path}: logits are {entry['dtype']} instead of F32")
    begin = 8 + size + entry["data_offsets"][0]
    return np.frombuffer(data, "<f4", math.prod(entry["shape"]), begin).reshape(entry["shape"])


class Lathe:
    """The program at work in a folder for its files."""

    def __init__(self, program, threads, folder):
        self.program, self.threads, self.folder = program, threads, Path(folder)

    def run(self, *arguments):
        return run([self.program, *map(str, arguments), "--threads", str(self.threads), "--home",
                    str(self.folder / "home")]).output

    def front(self, model):
        """The id that its tokenizer puts in front of every text, or None."""
        ids = json.loads(self.run("inspect", "tokens", model, "a", "--json"))
        begins = ids["ids_special"][:1] != ids["ids"][:1]
        return ids["ids_special"][0] if begins and ids["ids_special"] else None

    def logits(self, model, ids, way):
        """way: "f32"; "prompt", as it reads the ids; "drawn", as if it had drawn all but the first itself."""
        asked = {"f32": [], "prompt": ["--activations", "engine"],
                 "drawn": ["--activations", "engine", "--drawn", len(ids) - 1]}[way]
        out = self.folder / "logits.safetensors"
        self.run("inspect", "logits", model, "--ids", ",".join(map(str, ids)), *asked, "--out", out)
        try:
            return read_logits(out)
        finally:
            out.unlink()
