"""The file that llama-perplexity writes with --save-all-logits: the ids it read, and for the second half of each piece
what it made of them.

    "_logits_", u32 piece length, u32 vocabulary, u32 pieces, i32 ids[pieces][length],
    then for each position from length / 2 to the last but one of each piece: f32 step, f32 least,
    8 bytes of which nothing is read here are none, u16 codes[vocabulary, made even]

log p = least + step * code. No token is less likely than e^-16 of the likeliest: smaller ones have code 0.
"""
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from peers.failure import Failure
from peers.process import run

MAGIC = b"_logits_"
FLOOR = 16.0  # nats below the likeliest token
MOST_PIECES = 1 << 16


@dataclass
class Recording:
    ids: np.ndarray    # i32 [pieces, length], as the tokenizer made them
    codes: np.ndarray  # u16 [pieces, positions, 4 + vocabulary made even]
    vocabulary: int

    @property
    def positions(self):
        """Those of a piece that were recorded."""
        length = self.ids.shape[1]
        return range(length // 2, length - 1)

    def log_probs(self, piece):
        """f64 [positions, vocabulary], rounded to 16 bits by the one who wrote them and so not normalised."""
        rows = self.codes[piece]
        step, least = np.ascontiguousarray(rows[:, :4]).view("<f4").astype(np.float64).T[..., None]
        return least + step * rows[:, 4:4 + self.vocabulary]


def read(path):
    data = Path(path).read_bytes()
    try:
        length, vocabulary, pieces = struct.unpack_from("<III", data, len(MAGIC))
    except struct.error as error:
        raise Failure(f"{path}: its header ends early") from error
    if not data.startswith(MAGIC) or length < 4 or vocabulary < 1 or not 1 <= pieces <= MOST_PIECES:
        raise Failure(f"{path} is no recording of llama-perplexity")
    begin, count = len(MAGIC) + 12, pieces * length
    row, positions = 4 + (vocabulary + 1) // 2 * 2, length - 1 - length // 2
    if len(data) != begin + 4 * count + 2 * pieces * positions * row:
        raise Failure(f"{path} has {len(data)} bytes, which are not {pieces} pieces of {length} ids")
    ids = np.frombuffer(data, "<i4", count, begin).reshape(pieces, length)
    codes = np.frombuffer(data, "<u2", offset=begin + 4 * count).reshape(pieces, positions, row)
    return Recording(ids, codes, vocabulary)


def record(program, model, options, more, folder):
    """Runs llama-perplexity over the first pieces of the text."""
    out = Path(folder) / "recording"
    run([program, "-m", str(model), "-f", str(options.text), "-c", str(options.length), "--chunks",
         str(options.pieces), "-t", str(options.threads), *more, "--save-all-logits", str(out)])
    if not out.is_file():
        raise Failure(f"{program} wrote no logits; the text must have {2 * options.length} tokens at least")
    try:
        return read(out)
    finally:
        out.unlink()
