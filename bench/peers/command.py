"""The command line of bench/cpu."""
import argparse
import json
import os
import sys
from pathlib import Path

from . import gguf, report, tests
from .contestants import make_contestants
from .failure import Failure
from .rounds import run_all

ROOT = Path(__file__).resolve().parent.parent.parent


def make_parser(text):
    parser = argparse.ArgumentParser(prog="bench/cpu", description=text,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lathe", metavar="PATH", default=str(ROOT / "build" / "lathe"), help="default: build/lathe")
    parser.add_argument("--peers-only", action="store_true", help="leave Lathe out")
    parser.add_argument("--llama", metavar="PATH", action="append", default=[],
                        help="llama.cpp's llama-bench, its other programs beside it, for start and memory with and "
                             "without -nr; may be given again")
    parser.add_argument("--ik", metavar="PATH", action="append", default=[],
                        help="ik_llama.cpp's llama-bench, run with and without -rtr 1; may be given again")
    parser.add_argument("--models", metavar="FILE", nargs="+", required=True, help="GGUF files")
    parser.add_argument("--tests", default=tests.DEFAULT,
                        help="with commas: promptN, decodeN, batchN, depthN, start, memory (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each; the median counts (default: 5)")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)),
                        help="default: the processors this process may use")
    parser.add_argument("--json", action="store_true", help="print JSON with all readings instead of Markdown")
    return parser


def program_path(path):
    """Absolute, as contestants run in a folder of their own."""
    found = Path(path).absolute()
    if found.is_dir():
        raise Failure(f"{path} is a folder; name the program in it")
    if not os.access(found, os.X_OK):
        raise Failure(f"{path} is not there, or cannot be executed")
    return str(found)


def model_path(path):
    found = Path(path).absolute()
    gguf.shape_of(found)  # told now rather than after an hour
    return found


def check(options):
    """Turns words into what they stand for."""
    if options.rounds < 1 or options.threads < 1:
        raise Failure("--rounds and --threads are at least 1")
    if options.peers_only and not options.llama + options.ik:
        raise Failure("--peers-only needs a peer; name one with --llama or --ik")
    options.tests = tests.parse_tests(options.tests)
    options.models = [model_path(path) for path in options.models]
    lathe = None if options.peers_only else program_path(options.lathe)
    return make_contestants(lathe, [program_path(p) for p in options.llama], [program_path(p) for p in options.ik])


def main(text, arguments=None):
    """0 done, 1 when something could not be measured, 2 for words that make no sense."""
    options = make_parser(text).parse_args(arguments)
    try:
        contestants = check(options)
    except Failure as error:
        print(f"bench/cpu: {error}", file=sys.stderr)
        return 2
    rows = run_all(contestants, options)
    if options.json:
        print(json.dumps(report.as_data(rows, contestants, options), indent=2))
    else:
        print(report.markdown(rows, contestants, options))
    return 1 if any(cell.error for row in rows for cell in row.cells.values()) else 0
