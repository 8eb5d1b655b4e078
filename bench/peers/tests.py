"""What can be measured, and the names by which it is asked for."""
import re
from dataclasses import dataclass

from .failure import Failure

# Tokens that each answer has where the name says something else: long enough for a steady rate, short enough for
# rounds of a minute.
BATCH_DECODE = 64
DEPTH_DECODE = 32
START_DECODE = 8
MEMORY_DECODE = 128

# The context that a peer is asked for where it answers a text; its default is the model's, which may be 131,072.
TEXT_CONTEXT = 1024

START_TEXT = "Say something about the sea."
MEMORY_TEXT = " ".join("The sea is wide, and the ship that crosses it is small." for _ in range(35))

SHORT_NAMES = {"prompt": "prompt512", "decode": "decode128", "batch": "batch8,batch16", "long": "prompt4096,depth4096"}
DEFAULT = "prompt512,decode128,batch8,batch16,prompt4096,depth4096,start,memory"

TITLES = {
    "prompt": "prompt of {:,}",
    "decode": "decode {:,}",
    "batch": "decode in a batch of {:,}",
    "depth": "decode at a depth of {:,}",
    "start": "exec to first token",
    "memory": "peak memory",
}
UNITS = {"start": "s", "memory": "MiB"}


@dataclass(frozen=True)
class Test:
    """One row: `prompt512` has kind "prompt" and number 512."""
    kind: str
    number: int = 0

    @property
    def name(self):
        return f"{self.kind}{self.number}" if self.number else self.kind

    @property
    def title(self):
        return TITLES[self.kind].format(self.number)

    @property
    def unit(self):
        return UNITS.get(self.kind, "tokens/s")

    @property
    def answers_a_text(self):
        """A process that answers a text, rather than a program that measures itself."""
        return self.kind in UNITS

    @property
    def more_is_better(self):
        return self.kind not in UNITS


def parse_test(name):
    match = re.fullmatch(r"(prompt|decode|batch|depth)([1-9][0-9]{0,6})", name)
    if match:
        return Test(match[1], int(match[2]))
    if name in UNITS:
        return Test(name)
    raise Failure(f"there is no test {name!r}; there are promptN, decodeN, batchN, depthN, start and memory")


def parse_tests(names):
    """Tests of a list with commas, in its order; `prompt`, `decode`, `batch` and `long` stand for the usual ones."""
    spelled = ",".join(SHORT_NAMES.get(name.strip(), name.strip()) for name in names.split(","))
    return list(dict.fromkeys(parse_test(name) for name in spelled.split(",")))
