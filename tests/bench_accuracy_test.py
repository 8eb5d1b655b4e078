"""bench/accuracy reads what llama-perplexity records and what Lathe writes, and measures how far they are apart."""
import contextlib
import io
import json
import math
import os
import struct
import sys
import tempfile
import unittest
from pathlib import Path

from lathe_process import LATHE, SOURCE

sys.path.insert(0, str(SOURCE / "bench"))
try:
    import numpy as np
    from divergence import recording
    from divergence.command import main
    from divergence.distance import Distance, log_softmax
    from divergence.lathe_logits import Lathe, read_logits
    from divergence.outliers import Sizes, Weights
    from peers.failure import Failure
except ModuleNotFoundError as error:
    if error.name != "numpy":
        raise
    np = None

STARTER = SOURCE / "starter" / "lathe-starter.gguf"


def coded(logits):
    """A position as llama-perplexity writes it."""
    logits = np.asarray(logits, np.float64)
    least = max(logits.min(), logits.max() - recording.FLOOR)
    step = (logits.max() - least) / 65535
    total = logits.max() + math.log(np.exp(logits - logits.max()).sum())
    codes = [round((x - least) / step) if x > least else 0 for x in logits]
    return struct.pack("<ff", step, least - total) + struct.pack(f"<{len(codes) + len(codes) % 2}H", *codes,
                                                                 *[0] * (len(codes) % 2))


def write_recording(path, ids, logits):
    """ids: [pieces][length]; logits: [pieces][positions][vocabulary]."""
    head = b"_logits_" + struct.pack("<III", len(ids[0]), len(logits[0][0]), len(ids))
    rows = b"".join(coded(row) for piece in logits for row in piece)
    Path(path).write_bytes(head + b"".join(struct.pack(f"<{len(p)}i", *p) for p in ids) + rows)


@unittest.skipIf(np is None, "python3-numpy is missing")
class FolderTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name)


class Recordings(FolderTest):
    def test_what_was_written_is_read(self):
        logits = [[[1, 2, 3.5], [0, 0, -40]], [[9, 8, 7], [1, 1, 1.5]]]
        write_recording(self.path / "r", [[1, 2, 3, 4, 5], [6, 7, 8, 9, 10]], logits)
        found = recording.read(self.path / "r")
        self.assertEqual((found.ids.tolist(), found.positions), ([[1, 2, 3, 4, 5], [6, 7, 8, 9, 10]], range(2, 4)))
        for piece in range(2):
            got, want = log_softmax(found.log_probs(piece)), log_softmax(np.array(logits[piece], float))
            self.assertLess(np.abs(got - want).max(), 2e-4)

    def test_torn_and_foreign_files_are_refused(self):
        write_recording(self.path / "r", [[1, 2, 3, 4]], [[[1, 2, 3]]])
        whole = (self.path / "r").read_bytes()
        for data in (whole[:-1], whole + b"x", whole[:11], b"_nothing" + whole[8:], b""):
            (self.path / "r").write_bytes(data)
            with self.assertRaises(Failure, msg=data[:12]):
                recording.read(self.path / "r")


@unittest.skipIf(np is None, "python3-numpy is missing")
class Distances(unittest.TestCase):
    def test_divergence_is_the_sum_of_the_definition(self):
        exact, other = log_softmax(np.array([[1.0, 2, 3]])), log_softmax(np.array([[3.0, 2, 1]]))
        distance = Distance()
        distance.add(exact, other, [1])
        want = sum(math.exp(p) * (p - q) for p, q in zip(exact[0], other[0]))
        figures = distance.figures()
        self.assertAlmostEqual(figures["mean_kl"], want)
        self.assertEqual(figures["same_top"], 0)
        self.assertAlmostEqual(figures["perplexity"], math.exp(-other[0][1]))

    def test_none_says_more_than_the_floor(self):
        probabilities = log_softmax(np.array([[0.0, -100]]))
        self.assertAlmostEqual(probabilities[0, 1] - probabilities[0, 0], -recording.FLOOR)

    def test_the_ratio_has_its_interval(self):
        one, two = Distance(kl=[1.0, 2, 3] * 50), Distance(kl=[2.0, 4, 6] * 50)
        for found in one.ratio(two):
            self.assertAlmostEqual(found, 0.5)


@unittest.skipIf(np is None, "python3-numpy is missing")
class Outliers(unittest.TestCase):
    def test_large_values_meet_small_weights(self):
        found = Weights(Sizes(width=200, layers=1, heads=2, kv_heads=1, middle=300), 10, 16, seed=1).tensors
        norm, gate = found["blk.0.attn_norm.weight"], found["blk.0.attn_q.weight"]
        large = np.flatnonzero(norm != 1)
        self.assertEqual(len(large), 2)
        self.assertTrue(((norm[large] >= 4) & (norm[large] <= 16)).all())
        columns = np.sqrt((gate**2).mean(axis=0)) * np.sqrt(200 * norm)
        self.assertTrue((np.abs(columns - 1) < 0.3).all())
        self.assertEqual(found["blk.0.ffn_down.weight"].shape, (200, 300))

    def test_without_strength_there_are_none(self):
        found = Weights(Sizes(width=200, layers=1, heads=2, kv_heads=1, middle=300), 10, 1, seed=1).tensors
        self.assertTrue((found["blk.0.ffn_norm.weight"] == 1).all())


class WholeTest(FolderTest):
    """The command with a script in llama-perplexity's place that records Lathe's own logits."""

    def record(self, way, length=8, pieces=2):
        lathe = Lathe(LATHE, 1, self.path)
        ids = np.arange(10, 10 + length * pieces).reshape(pieces, length)
        logits = [lathe.logits(STARTER, piece, way)[length // 2:-1] for piece in ids]
        write_recording(self.path / "made", ids.tolist(), logits)
        script = self.path / "llama-perplexity"
        script.write_text(f'#!/bin/sh\nfor last; do :; done\ncp {self.path}/made "$last"\n')
        script.chmod(0o755)

    def bench(self, *arguments):
        (self.path / "text").write_text("a text")
        out, errors = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
            code = main("", ["--lathe", LATHE, "--llama", str(self.path / "llama-perplexity"), "--text",
                             str(self.path / "text"), "--threads", "1", "--models", str(STARTER), *arguments])
        return code, out.getvalue(), errors.getvalue()

    def test_a_peer_that_computes_in_f32_is_not_apart(self):
        self.record("f32")
        code, out, _ = self.bench("--json")
        result = json.loads(out)[0]
        self.assertEqual((code, result["positions"]), (0, 6))
        self.assertLess(result["figures"]["llama.cpp"]["mean_kl"], 1e-7)
        self.assertGreater(result["figures"]["Lathe"]["mean_kl"], 1e-5)

    def test_a_peer_that_computes_as_lathe_is_as_far(self):
        self.record("drawn")
        code, out, _ = self.bench()
        self.assertEqual(code, 0)
        self.assertRegex(out, r"\| lathe-starter \| Lathe \| [0-9.]+ \| 1\.00 \(1\.00 to 1\.00\)")
        self.assertNotIn(str(self.path), out)

    def test_a_peer_that_fails_is_told(self):
        script = self.path / "llama-perplexity"
        script.write_text("#!/bin/sh\necho too short a text >&2\nexit 1\n")
        script.chmod(0o755)
        code, _, errors = self.bench()
        self.assertEqual(code, 1)
        self.assertIn("exit 1: too short a text", errors)
        script.write_text("#!/bin/sh\n")
        self.assertIn("wrote no logits", self.bench()[2])

    def test_words_that_make_no_sense(self):
        self.record("f32")
        for arguments in (["--length", "2"], ["--models", os.devnull], ["--text", "/nowhere"], ["--llama", "/nowhere"]):
            code, _, errors = self.bench(*arguments)
            self.assertEqual((code, errors[:16]), (2, "bench/accuracy: "), arguments)

    def test_logits_are_read_as_they_are_written(self):
        header = json.dumps({"logits": {"dtype": "F32", "shape": [1, 2], "data_offsets": [0, 8]}}).encode()
        (self.path / "l").write_bytes(struct.pack("<Q", len(header)) + header + struct.pack("<ff", 1, -2))
        self.assertEqual(read_logits(self.path / "l").tolist(), [[1, -2]])


if __name__ == "__main__":
    unittest.main()
