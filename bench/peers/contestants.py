"""The programs that are compared: what each is told for a test, and how its output is read.

All read the same file with the same number of threads. Peers warm up by themselves; a reading is one repetition, and
repetitions are rounds. `start` and `memory` are whole processes that answer a text; for them Lathe has the file in its
store, as its users do, where a model is imported once and then started many times.
"""
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from . import tests
from .failure import Failure
from .process import run


@dataclass
class Reading:
    """One number of one process. Lathe says beside it which limit of the machine it measured, and the share of it."""
    value: float
    share: float = 0
    limit: str = ""
    build: str = ""


def read_outcome(test, outcome, read_rate):
    if test.kind == "memory":
        if outcome.peak_bytes == 0:
            raise Failure("its memory could not be read from /proc")
        return Reading(outcome.peak_bytes / 2**20)
    if test.kind == "start":
        if outcome.first_byte == float("inf"):
            raise Failure("it printed nothing")
        return Reading(outcome.first_byte)
    return read_rate(outcome)


def read_bench_json(text):
    """The last repetition of the only result of llama-bench -o json, which may have lines of a log before it."""
    begin = text.find("[\n")
    try:
        rows = json.loads(text[begin:]) if begin >= 0 else []
        rates = [float(row["samples_ts"][-1]) for row in rows]
    except (ValueError, LookupError, TypeError) as error:
        raise Failure(f"its JSON has no samples_ts ({error})") from error
    if len(rates) != 1:
        raise Failure(f"it printed {len(rates)} results instead of one")
    number, commit = rows[0].get("build_number", 0), rows[0].get("build_commit", "unknown")
    return Reading(rates[0], build=f"{number} ({commit})" if number else "")


def read_batched_table(text):
    """S_TG of the only row of llama-batched-bench's table; the same table with or without its newer JSON lines."""
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")]
            for line in text.splitlines() if line.lstrip().startswith("|")]
    if len(rows) < 2 or "S_TG t/s" not in rows[0]:
        raise Failure("it printed no table with S_TG t/s")
    values = [row for row in rows[1:] if not row[0].startswith("-")]
    if len(values) != 1 or len(values[0]) != len(rows[0]):
        raise Failure(f"its table has {len(values)} rows instead of one")
    return Reading(float(values[0][rows[0].index("S_TG t/s")]))


def read_lathe_json(text):
    try:
        results = json.loads(text)["results"]
        rates = [float(row["tokens_per_second"]) for row in results]
    except (ValueError, KeyError, TypeError) as error:
        raise Failure(f"its JSON has no results with tokens_per_second ({error})") from error
    if len(rates) != 1:
        raise Failure(f"it printed {len(rates)} results instead of one")
    return Reading(rates[0], share=float(results[0].get("share", 0)), limit=results[0].get("of", ""))


def text_of(test):
    return tests.START_TEXT if test.kind == "start" else tests.MEMORY_TEXT


def answer_length(test):
    return tests.START_DECODE if test.kind == "start" else tests.MEMORY_DECODE


class Lathe:
    def __init__(self, program):
        self.label, self.program = "Lathe", program

    def takes(self, _test):
        return True

    def prepare(self, test, model, folder):
        """The words that name the model; what is made for it is in the folder, which other tests of it share."""
        if not test.answers_a_text:
            return [str(model)]
        home = Path(folder) / "lathe-home"
        named = ["measured", "--home", str(home)]
        if not home.exists():
            try:
                run([self.program, "import", str(model), "--name", *named])
            except Failure:
                shutil.rmtree(home, ignore_errors=True)
                raise
        return named

    def command(self, test, named, threads):
        if test.answers_a_text:
            return [self.program, "run", *named, text_of(test), "--max-tokens", str(answer_length(test)),
                    "--temperature", "0", "--threads", str(threads)]
        asked = {
            "prompt": ["--prompt", test.number, "--decode", 0],
            "decode": ["--prompt", 0, "--decode", test.number, "--batch", 1],
            "batch": ["--prompt", 0, "--decode", tests.BATCH_DECODE, "--batch", test.number],
            "depth": ["--prompt", 0, "--decode", tests.DEPTH_DECODE, "--depth", test.number, "--batch", 1],
        }[test.kind]
        return [self.program, "bench", *named, *map(str, asked), "--runs", "1", "--threads",
                str(threads), "--json"]

    def read(self, test, outcome):
        return read_outcome(test, outcome, lambda done: read_lathe_json(done.output))


class LlamaCpp:
    """llama.cpp by the path of its llama-bench; its other programs stand beside it."""
    answers_with = ("llama-completion", "llama-cli")  # the first one that is there; newer ones chat in llama-cli

    def __init__(self, program, label, bench_options=(), text_options=(), kinds=tuple(tests.TITLES)):
        self.label, self.program, self.kinds = label, program, kinds
        self.bench_options, self.text_options = list(bench_options), list(text_options)

    def takes(self, test):
        return test.kind in self.kinds

    def beside(self, *names):
        for name in names:
            path = Path(self.program).parent / name
            if path.is_file():
                return str(path)
        raise Failure(f"there is no {' or '.join(names)} beside {self.program}")

    def prepare(self, _test, model, _folder):
        return ["-m", str(model)]

    def command(self, test, named, threads):
        common = [*named, "-t", str(threads)]
        if test.answers_a_text:
            return [self.beside(*self.answers_with), *common, *self.text_options, *self.text_flags(test)]
        if test.kind == "batch":
            return [self.beside("llama-batched-bench"), *common, *self.text_options, *self.batch_flags(test)]
        asked = {
            "prompt": ["-p", test.number, "-n", 0],
            "decode": ["-p", 0, "-n", test.number],
            "depth": self.depth_flags(test),
        }[test.kind]
        return [self.program, *common, *self.bench_options, *map(str, asked), "-r", str(self.repetitions(test)),
                "-o", "json"]

    def repetitions(self, _test):
        return 1

    def depth_flags(self, test):
        return ["-p", 0, "-n", tests.DEPTH_DECODE, "-d", test.number]

    def text_flags(self, test):
        return ["-p", text_of(test), "-n", str(answer_length(test)), "-c", str(tests.TEXT_CONTEXT), "--temp", "0",
                "--ignore-eos", "--no-display-prompt", "--no-warmup", *self.no_chat]

    no_chat = ("-no-cnv",)

    @staticmethod
    def batch_flags(test):
        prompt = 8
        # Its cells are handed out in pieces of 256 a stream.
        context = test.number * 256 * -(-(prompt + tests.BATCH_DECODE) // 256)
        return ["-c", str(context), "-b", "2048", "-ub", "512", "-npp", str(prompt), "-ntg", str(tests.BATCH_DECODE),
                "-npl", str(test.number)]

    def read(self, test, outcome):
        if test.kind == "batch":
            # Older ones print the table on standard error.
            return read_batched_table(outcome.output + "\n" + outcome.errors)
        return read_outcome(test, outcome, lambda done: read_bench_json(done.output))


class IkLlamaCpp(LlamaCpp):
    """ik_llama.cpp, whose programs parted from llama.cpp's before those learnt of depths and conversations."""
    answers_with = ("llama-cli",)
    no_chat = ()

    def repetitions(self, test):
        """It warms up with one token, which leaves buffers of a whole prompt to be touched for the first time."""
        return 2 if test.kind == "prompt" else 1

    def depth_flags(self, test):
        return ["-p", 0, "-n", 0, "-gp", f"{test.number},{tests.DEPTH_DECODE}"]


def llama_variants(program, label):
    """As it is, and with weights left as they are in the file: slower at every rate, but one copy of them in memory and
    nothing to rearrange before the first token."""
    return [LlamaCpp(program, label),
            LlamaCpp(program, f"{label} -nr", text_options=["-nr"], kinds=("start", "memory"))]


def ik_variants(program, label):
    """With and without weights interleaved while they are loaded: which one is faster differs by type and processor."""
    return [IkLlamaCpp(program, label),
            IkLlamaCpp(program, f"{label} -rtr", bench_options=["-rtr", "1"], text_options=["-rtr"])]


def make_contestants(lathe, llamas, iks):
    """Lathe (unless None) first. A second binary of a kind has a number in its label."""
    def numbered(name, index):
        return name if index == 0 else f"{name} {index + 1}"
    out = [Lathe(lathe)] if lathe else []
    for i, path in enumerate(llamas):
        out += llama_variants(path, numbered("llama.cpp", i))
    for i, path in enumerate(iks):
        out += ik_variants(path, numbered("ik_llama.cpp", i))
    return out
