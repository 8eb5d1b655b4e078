"""One file: llama.cpp reads the text, and the others the same ids."""
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from peers.failure import Failure

from . import recording
from .distance import Distance, log_softmax
from .lathe_logits import Lathe
from .oracle import Oracle

# What Lathe is asked for, by what the report calls it.
WAYS = {"Lathe": "drawn", "Lathe, reading a prompt": "prompt"}
# The same of llama.cpp: as it reads prompts, and as it makes answers, a token at a time.
PEER_WAYS = {"llama.cpp": [], "llama.cpp, token by token": ["-b", "1", "-ub", "1"]}


@dataclass
class Result:
    model: Path
    positions: int
    distances: dict  # by label
    oracle_gap: float | None  # of logits, at most, where an oracle was asked

    def ratio(self, label):
        """Of a way of Lathe's to llama.cpp as it reads prompts; None for llama.cpp's own."""
        return self.distances[label].ratio(self.distances[next(iter(PEER_WAYS))]) if label in WAYS else None


def tell(text):
    print(text, file=sys.stderr, flush=True)


def record_all(model, options, folder):
    """By label; all must have read the same."""
    out = {}
    for label, more in PEER_WAYS.items():
        tell(f"{model.stem}: {label}")
        out[label] = recording.record(options.llama, model, options, more, folder)
    first, *others = out.values()
    if any(not np.array_equal(first.ids, other.ids) for other in others):
        raise Failure(f"{options.llama} read other ids the second time")
    return out


def pieces_of(lathe, model, ids):
    """As llama-perplexity reads them: the first id of a piece gives way to the one that stands in front of texts."""
    front = lathe.front(model)
    out = ids.copy()
    if front is not None:
        out[:, 0] = front
    return out


def largest_gap(a, b):
    return float(np.abs(a.astype(np.float64) - b).max())


def measure(model, options):
    with tempfile.TemporaryDirectory(prefix="bench-accuracy-") as folder:
        lathe = Lathe(options.lathe, options.threads, folder)
        recorded = record_all(model, options, folder)
        some = next(iter(recorded.values()))
        oracle = Oracle(model) if options.oracle else None
        result = Result(model, 0, {label: Distance() for label in (*WAYS, *PEER_WAYS)}, None)
        for number, ids in enumerate(pieces_of(lathe, model, some.ids)):
            tell(f"{model.stem}: Lathe, piece {number + 1} of {len(some.ids)}")
            logits = lathe.logits(model, ids, "f32")
            if oracle:
                result.oracle_gap = max(result.oracle_gap or 0, largest_gap(logits, oracle.logits(ids)))
            exact = log_softmax(logits[some.positions])
            following = some.ids[number][some.positions.start + 1:]
            for label, way in WAYS.items():
                rows = log_softmax(lathe.logits(model, ids, way)[some.positions])
                result.distances[label].add(exact, rows, following)
            for label in PEER_WAYS:
                result.distances[label].add(exact, log_softmax(recorded[label].log_probs(number)), following)
            result.positions += len(following)
        return result
