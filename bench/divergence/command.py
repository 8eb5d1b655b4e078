"""The command line of bench/accuracy."""
import argparse
import json
import os
import sys
from pathlib import Path

from peers.command import model_path, program_path
from peers.failure import Failure

from . import report
from .measuring import measure, tell

ROOT = Path(__file__).resolve().parent.parent.parent


def make_parser(text):
    parser = argparse.ArgumentParser(prog="bench/accuracy", description=text,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lathe", metavar="PATH", default=str(ROOT / "build" / "lathe"), help="default: build/lathe")
    parser.add_argument("--llama", metavar="PATH", required=True, help="llama.cpp's llama-perplexity")
    parser.add_argument("--models", metavar="FILE", nargs="+", required=True, help="GGUF files")
    parser.add_argument("--text", metavar="FILE", required=True, help="what is read")
    parser.add_argument("--length", type=int, default=256,
                        help="tokens of a piece, of which the second half counts (default: 256)")
    parser.add_argument("--pieces", type=int, default=8, help="at most (default: 8)")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)),
                        help="default: the processors this process may use")
    parser.add_argument("--oracle", action="store_true", help="compare Lathe's f32 logits with transformers' too")
    parser.add_argument("--json", action="store_true", help="print JSON instead of Markdown")
    return parser


def check(options):
    """Turns words into what they stand for."""
    if options.length < 4 or options.pieces < 1 or options.threads < 1:
        raise Failure("--length is at least 4, --pieces and --threads are at least 1")
    options.lathe, options.llama = program_path(options.lathe), program_path(options.llama)
    options.text = Path(options.text).absolute()
    if not options.text.is_file():
        raise Failure(f"{options.text} is no file")
    options.models = [model_path(path) for path in options.models]


def main(text, arguments=None):
    """0 done, 1 when something could not be measured, 2 for words that make no sense."""
    options = make_parser(text).parse_args(arguments)
    try:
        check(options)
    except Failure as error:
        print(f"bench/accuracy: {error}", file=sys.stderr)
        return 2
    results, failed = [], False
    for model in options.models:
        try:
            results.append(measure(model, options))
        except Failure as error:
            failed = True
            tell(f"{model.stem}: {error}")
    print(json.dumps(report.as_data(results), indent=2) if options.json else report.markdown(results))
    return 1 if failed else 0
