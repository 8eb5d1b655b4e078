"""Runs the tests, the contestants in turns, and keeps every reading."""
import os
import statistics
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from . import gguf
from .failure import Failure
from .process import run
from .tests import TEXT_CONTEXT, Test


@dataclass
class Cell:
    """What one contestant reached in one test: a reading a round, or why there is none."""
    readings: list = field(default_factory=list)
    error: str = ""

    @property
    def median(self):
        return statistics.median(r.value for r in self.readings) if self.readings and not self.error else None

    @property
    def share(self):
        return statistics.median(r.share for r in self.readings) if self.readings else 0


@dataclass
class Row:
    model: Path
    test: Test
    cells: dict  # by label, of those that take this test

    def better_peer(self):
        """(label, median) of the best that is not Lathe, or None."""
        known = [(label, cell.median) for label, cell in self.cells.items() if label != "Lathe" and cell.median]
        best = max if self.test.more_is_better else min
        return best(known, key=lambda pair: pair[1]) if known else None

    def ratio(self):
        """Lathe's median over the better peer's, or None."""
        peer, own = self.better_peer(), self.cells.get("Lathe")
        return own.median / peer[1] if peer and own and own.median else None


def tell(text):
    print(text, file=sys.stderr, flush=True)


@dataclass
class Task:
    """What all are asked for, and a folder for what they make of the model beforehand."""
    test: Test
    model: Path
    folder: str
    threads: int


def measure(contestant, task):
    named = contestant.prepare(task.test, task.model, task.folder)
    command = contestant.command(task.test, named, task.threads)
    return contestant.read(task.test, run(command, watches_memory=task.test.kind == "memory"))


def take_turn(contestant, cell, task, name):
    """One reading; a contestant that failed is told of once and has no more turns in this test."""
    if cell.error:
        return
    try:
        reading = measure(contestant, task)
    except Failure as error:
        cell.error = str(error)
        tell(f"{name} {contestant.label}: {error}")
        return
    cell.readings.append(reading)
    tell(f"{name} {contestant.label}: {reading.value:.4g} {task.test.unit}")


def run_test(contestants, task, rounds):
    test = task.test
    contestants = [c for c in contestants if c.takes(test)]
    row = Row(task.model, test, {c.label: Cell() for c in contestants})
    if test.kind == "start":  # whoever comes first would read the file from the disk
        for contestant in contestants:
            take_turn(contestant, Cell(), task, f"{task.model.stem} {test.name} unmeasured")
    for number in range(rounds):
        for contestant in contestants:
            name = f"{task.model.stem} {test.name} {number + 1}/{rounds}"
            take_turn(contestant, row.cells[contestant.label], task, name)
    return row


def run_model(contestants, model, options):
    with tempfile.TemporaryDirectory(prefix="bench-cpu-") as folder:
        tasks = [Task(test, model, folder, options.threads) for test in options.tests]
        return [run_test(contestants, task, options.rounds) for task in tasks]


def run_all(contestants, options):
    return [row for model in options.models for row in run_model(contestants, model, options)]


def needed_bytes(model):
    """The file, and keys and values of the context that contestants were asked for."""
    return os.path.getsize(model) + gguf.kv_bytes(gguf.shape_of(model), TEXT_CONTEXT)
