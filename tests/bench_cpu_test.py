"""bench/cpu reads what the peers print, asks each for the same work, and takes turns with scripts in their place."""
import contextlib
import io
import json
import os
import struct
import sys
import tempfile
import unittest
from pathlib import Path

from lathe_process import SOURCE

sys.path.insert(0, str(SOURCE / "bench"))
from peers import contestants, gguf, report, rounds  # noqa: E402 (needs the path)
from peers.command import main  # noqa: E402
from peers.failure import Failure  # noqa: E402
from peers.process import Outcome, run  # noqa: E402
from peers.tests import Test, parse_tests  # noqa: E402

LLAMA_BENCH = """load_backend: loaded CPU backend from libggml-cpu-sapphirerapids.so
[
  {
    "build_commit": "abc1234", "build_number": 11669, "cpu_info": "A Processor", "n_threads": 2,
    "n_prompt": 512, "n_gen": 0, "n_depth": 0, "avg_ns": 505982154, "avg_ts": 1005.5, "samples_ts": [ 999.1, 1011.893 ]
  }
]
"""

BATCHED_BENCH = """
main: n_kv_max = 2048, n_batch = 2048, n_ubatch = 512, flash_attn = 1, n_threads = 2, n_threads_batch = 2

|    PP |     TG |    B |   N_KV |   T_PP s | S_PP t/s |   T_TG s | S_TG t/s |      T s |    S t/s |
|-------|--------|------|--------|----------|----------|----------|----------|----------|----------|
|     8 |     64 |    8 |    576 |    0.125 |   512.00 |    4.876 |   105.01 |    5.001 |   115.18 |

"""

LATHE_BENCH = {"kernels": "avx512", "threads": 2, "results": [
    {"what": "prompt of 512", "tokens_per_second": 2500.5, "share": 0.5, "of": "8-bit arithmetic"}]}


def outcome(output="", errors="", first_byte=0.5, peak_bytes=3 << 20):
    return Outcome(output, errors, first_byte, peak_bytes)


def write_gguf(path):
    """A header alone: an architecture of two layers, then a tokenizer that nobody should read."""
    def string(text):
        return struct.pack("<Q", len(text)) + text.encode()
    keys = {"block_count": 2, "embedding_length": 64, "attention.head_count": 4, "attention.head_count_kv": 2}
    out = b"GGUF" + struct.pack("<IQQ", 3, 0, len(keys) + 2)
    out += string("general.architecture") + struct.pack("<I", 8) + string("llama")
    for name, value in keys.items():
        out += string("llama." + name) + struct.pack("<II", 4, value)
    out += string("tokenizer.ggml.model") + struct.pack("<I", 99)
    Path(path).write_bytes(out)


class ReadingTest(unittest.TestCase):
    def test_llama_bench(self):
        reading = contestants.LlamaCpp("x", "llama.cpp").read(Test("prompt", 512), outcome(LLAMA_BENCH))
        self.assertEqual((reading.value, reading.build), (1011.893, "11669 (abc1234)"))

    def test_two_results_are_not_one(self):
        with self.assertRaisesRegex(Failure, "2 results instead of one"):
            contestants.read_bench_json('[\n{"samples_ts": [1]}, {"samples_ts": [2]}\n]')

    def test_other_words_are_an_error(self):
        for text in ("", "error: no such model", "[\n{}\n]", '[\n{"samples_ts": []}\n]', "[\n{\n"):
            with self.assertRaises(Failure, msg=text):
                contestants.read_bench_json(text)

    def test_batched_bench_on_either_stream(self):
        peer = contestants.IkLlamaCpp("x", "ik")
        for found in (outcome(BATCHED_BENCH), outcome(errors=BATCHED_BENCH)):
            self.assertEqual(peer.read(Test("batch", 8), found).value, 105.01)

    def test_a_table_without_a_row_is_an_error(self):
        with self.assertRaisesRegex(Failure, "0 rows instead of one"):
            contestants.read_batched_table("\n".join(BATCHED_BENCH.splitlines()[:-2]))
        with self.assertRaisesRegex(Failure, "no table"):
            contestants.read_batched_table("n_ctx_req = 576 is greater than n_kv_max = 512")

    def test_lathe(self):
        reading = contestants.Lathe("x").read(Test("prompt", 512), outcome(json.dumps(LATHE_BENCH)))
        self.assertEqual((reading.value, reading.share, reading.limit), (2500.5, 0.5, "8-bit arithmetic"))
        with self.assertRaises(Failure):
            contestants.read_lathe_json('{"results": []}')

    def test_start_and_memory_are_of_the_process(self):
        peer = contestants.LlamaCpp("x", "llama.cpp")
        self.assertEqual(peer.read(Test("start"), outcome()).value, 0.5)
        self.assertEqual(peer.read(Test("memory"), outcome()).value, 3)
        with self.assertRaisesRegex(Failure, "printed nothing"):
            peer.read(Test("start"), outcome(first_byte=float("inf")))


class AskingTest(unittest.TestCase):
    def test_names(self):
        names = [test.name for test in parse_tests("prompt,batch4, start,prompt512")]
        self.assertEqual(names, ["prompt512", "batch4", "start"])
        for name in ("prompt0", "depth", "fast", "decode-3"):
            with self.assertRaisesRegex(Failure, "there is no test"):
                parse_tests(name)

    def test_each_is_asked_for_the_same(self):
        lathe, llama = contestants.Lathe("lathe"), contestants.LlamaCpp("llama-bench", "llama.cpp")
        ik = contestants.ik_variants("llama-bench", "ik")[1]
        depth = Test("depth", 4096)
        self.assertEqual(lathe.command(depth, ["m"], 2)[1:], "bench m --prompt 0 --decode 32 --depth 4096 --batch 1 "
                         "--runs 1 --threads 2 --json".split())
        self.assertEqual(llama.command(depth, ["-m", "m"], 2)[1:], "-m m -t 2 -p 0 -n 32 -d 4096 -r 1 -o json".split())
        self.assertEqual(ik.command(depth, ["-m", "m"], 2)[1:],
                         "-m m -t 2 -rtr 1 -p 0 -n 0 -gp 4096,32 -r 1 -o json".split())

    def test_some_variants_take_some_tests(self):
        plain, unpacked = contestants.llama_variants("llama-bench", "llama.cpp")
        self.assertEqual([c.label for c in (plain, unpacked) if c.takes(Test("decode", 128))], ["llama.cpp"])
        self.assertEqual([c.label for c in (plain, unpacked) if c.takes(Test("start"))], ["llama.cpp", "llama.cpp -nr"])

    def test_a_missing_sibling_is_named(self):
        with self.assertRaisesRegex(Failure, "no llama-batched-bench beside"):
            contestants.LlamaCpp("/nowhere/llama-bench", "llama.cpp").command(Test("batch", 8), ["-m", "m"], 2)


class ProcessTest(unittest.TestCase):
    def test_first_byte_and_memory(self):
        done = run([sys.executable, "-c", "import time; x = b'1' * (64 << 20); print(1, flush=True); time.sleep(0.5)"],
                   watches_memory=True)
        self.assertEqual(done.output, "1\n")
        self.assertLess(done.first_byte, 60)
        self.assertGreater(done.peak_bytes, 64 << 20)

    def test_last_words_of_a_failure(self):
        with self.assertRaisesRegex(Failure, "exit 3: no such model"):
            run(["sh", "-c", "echo no such model >&2; exit 3"])
        with self.assertRaisesRegex(Failure, "No such file"):
            run(["/nowhere/llama-bench"])


class ReportTest(unittest.TestCase):
    def row(self, kind, number, **medians):
        cells = {label.replace("_", " "): rounds.Cell([contestants.Reading(value)]) for label, value in medians.items()}
        return rounds.Row(Path("m.gguf"), Test(kind, number), cells)

    def test_the_better_peer_counts(self):
        speed = self.row("prompt", 512, Lathe=300, llama=100, ik=120)
        self.assertEqual((speed.better_peer(), speed.ratio()), (("ik", 120), 2.5))
        start = self.row("start", 0, Lathe=0.25, llama=1, ik=2)
        self.assertEqual((start.better_peer(), start.ratio()), (("llama", 1), 0.25))
        self.assertEqual(report.format_ratio(start), "0.25 of its time")

    def test_a_failed_peer_is_shown_and_not_counted(self):
        row = self.row("decode", 128, Lathe=30, llama=10, ik=20)
        row.cells["ik"].error = "exit 1"
        self.assertEqual((row.ratio(), report.format_cell(row.cells["ik"], "tokens/s")), (3, "failed"))

    def test_a_batch_is_told_in_answers(self):
        one, eight = self.row("decode", 128, Lathe=30), self.row("batch", 8, Lathe=180)
        self.assertEqual(report.limit_of([one, eight], eight), "6.0 times one")
        self.assertEqual(eight.ratio(), None)

    def test_keys_and_values(self):
        with tempfile.TemporaryDirectory() as folder:
            write_gguf(folder + "/m.gguf")
            shape = gguf.shape_of(folder + "/m.gguf")
            self.assertEqual(gguf.kv_bytes(shape, 10), 2 * 2 * 10 * 2 * 2 * 16)
            Path(folder, "m.gguf").write_bytes(b"GGUF\3")
            with self.assertRaisesRegex(Failure, "header ends early"):
                gguf.shape_of(folder + "/m.gguf")


class WholeTest(unittest.TestCase):
    """The command with scripts in the place of programs."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = Path(self.folder.name)
        write_gguf(self.path / "m.gguf")
        self.script("lathe", f"cat <<'E'\n{json.dumps(LATHE_BENCH)}\nE")
        self.script("llama-bench", f"cat <<'E'\n{LLAMA_BENCH}\nE")

    def script(self, name, body):
        path = self.path / name
        path.write_text(f"#!/bin/sh\necho {name} >> {self.path}/turns\n{body}\n")
        path.chmod(0o755)

    def bench(self, *arguments):
        out, errors = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
            code = main("", ["--lathe", str(self.path / "lathe"), "--llama", str(self.path / "llama-bench"),
                             "--models", str(self.path / "m.gguf"), "--threads", "2", *arguments])
        return code, out.getvalue(), errors.getvalue()

    def test_turns_are_taken_and_a_table_comes_out(self):
        code, out, _ = self.bench("--tests", "prompt512", "--rounds", "2")
        self.assertEqual(code, 0)
        self.assertEqual((self.path / "turns").read_text().split(), ["lathe", "llama-bench"] * 2)
        self.assertIn("| prompt of 512 | 2,500 | 1,012 | - | 2.47 times | 50 % of 8-bit arithmetic |", out)
        self.assertNotIn(self.folder.name, out)

    def test_lathe_answers_from_its_store(self):
        # They sleep, since the memory of a process that is gone at once cannot be seen.
        self.script("lathe", f'echo "$@" >> {self.path}/words\n'
                    'while [ "$1" != --home ]; do shift; done\n[ -e "$2" ] || mkdir "$2"\necho some words; sleep 0.2')
        self.script("llama-completion", "echo some words; sleep 0.2")
        code, out, _ = self.bench("--tests", "start,memory", "--rounds", "2")
        words = [line.split() for line in (self.path / "words").read_text().splitlines()]
        self.assertEqual((code, [line[0] for line in words]), (0, ["import"] + ["run"] * 5))
        self.assertEqual(words[0][1:4], [str(self.path / "m.gguf"), "--name", "measured"])
        self.assertFalse(Path(words[0][5]).exists())
        self.assertIn("of file and KV", out)

    def test_an_import_that_fails_is_told(self):
        self.script("lathe", "echo the disk is full >&2\nexit 1")
        self.script("llama-completion", "echo some words")
        code, out, errors = self.bench("--tests", "start", "--rounds", "1")
        self.assertEqual(code, 1)
        self.assertIn("the disk is full", errors)
        self.assertIn("| exec to first token | failed |", out)

    def test_json_has_every_reading(self):
        code, out, _ = self.bench("--tests", "prompt512", "--rounds", "2", "--json")
        result = json.loads(out)["results"][0]
        self.assertEqual(result["readings"], {"Lathe": [2500.5] * 2, "llama.cpp": [1011.893] * 2})
        self.assertEqual((code, result["better_peer"], round(result["ratio"], 2)), (0, "llama.cpp", 2.47))

    def test_one_that_fails_does_not_stop_the_other(self):
        self.script("lathe", "echo no such option >&2; exit 2")
        code, out, errors = self.bench("--tests", "decode128", "--rounds", "2")
        self.assertEqual(code, 1)
        self.assertIn("| decode 128 | failed | 1,012 | - | - | - |", out)
        self.assertEqual(errors.count("exit 2: no such option"), 1)

    def test_words_that_make_no_sense(self):
        for arguments in (["--tests", "speed"], ["--rounds", "0"], ["--lathe", "/nowhere/lathe"],
                          ["--models", "/nowhere/m.gguf"], ["--models", os.devnull]):
            code, _, errors = self.bench(*arguments)
            self.assertEqual((code, errors[:11]), (2, "bench/cpu: "), arguments)


if __name__ == "__main__":
    unittest.main()
