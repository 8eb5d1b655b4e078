#!/usr/bin/env python3
"""Compares Lathe's renders of chat templates with those of Hugging Face's transformers, byte for byte.

    tools/check_templates.py --templates FOLDER [--snippets N] [--seed S] [--lathe build/lathe]

Every *.jinja file of FOLDER (real templates: they are other people's work and stay outside the repository) is
rendered for each request of template_scenarios.py, and N random snippets of template_snippets.py; once by
transformers' own render_jinja_template and once by `lathe inspect render`. A difference is a difference of bytes, or
an error on one side only (an error's text is free). Prints a summary and each difference; exit 1 when there is one.

Needs `pip install transformers jinja2` (tried with 5.24 and 3.1.6).
"""
import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time
import warnings

import template_scenarios
import template_snippets
from transformers.utils import chat_template_utils

ROOT = pathlib.Path(__file__).resolve().parent.parent
SECONDS = 20  # for one render

Case = collections.namedtuple("Case", "name source request")


def render_with_transformers(source, request):
    """(render, None) or (None, what Python says)."""
    known = {key: request.get(key) for key in ("tools", "documents")}
    known |= {key: request.get(key) or False for key in ("add_generation_prompt", "continue_final_message")}
    more = {key: value for key, value in request.items() if key not in known and key != "messages"}
    try:
        if known["add_generation_prompt"] and known["continue_final_message"]:
            raise ValueError("refused by apply_chat_template")
        renders, _ = chat_template_utils.render_jinja_template(
            conversations=[request["messages"]], chat_template=source, **known, **more)
        renders[0].encode()
        return renders[0], None
    except Exception as error:  # whatever a template can raise is an expected outcome
        return None, f"{type(error).__name__}: {error}"


class Lathe:
    """Renders with the program: one process a render."""

    def __init__(self, program, folder):
        self.program = program
        self.folder = pathlib.Path(folder)

    def render(self, source, request):
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            template, given = pathlib.Path(folder, "t.jinja"), pathlib.Path(folder, "request.json")
            template.write_text(source, encoding="utf-8", newline="")
            given.write_text(json.dumps(request, ensure_ascii=False), encoding="utf-8")
            done = subprocess.run([self.program, "inspect", "render", template, "--input", given],
                                  capture_output=True, timeout=SECONDS, check=False)
        if done.returncode == 0:
            return done.stdout.decode(), None
        if done.returncode != 1:
            raise RuntimeError(f"exit {done.returncode}: {done.stderr.decode()}")
        return None, done.stderr.decode().strip()


def template_cases(folder):
    for path in sorted(pathlib.Path(folder).glob("*.jinja")):
        with path.open(encoding="utf-8", newline="") as file:
            source = file.read()
        for name, request in template_scenarios.scenarios():
            yield Case(f"{path.stem} / {name}", source, request)


def snippet_cases(count, seed):
    for number in range(count):
        source, variables = template_snippets.snippet(random.Random(f"{seed}/{number}"))
        yield Case(f"snippet {seed}/{number}", source, {"messages": []} | variables)


def compare(lathe, case):
    """The outcome's name, and what to show of a difference."""
    wanted, refusal = render_with_transformers(case.source, case.request)
    try:
        got, error = lathe.render(case.source, case.request)
    except (RuntimeError, subprocess.TimeoutExpired) as failure:
        return "broken", str(failure)
    if wanted == got:
        return ("equal", "") if wanted is not None else ("both refuse", "")
    kind = "differs" if None not in (wanted, got) else "only Lathe refuses" if got is None else "only Lathe renders"
    return kind, f"  wanted {show(wanted, refusal)}\n  got    {show(got, error)}"


def show(text, error):
    return f"error {error[:300]}" if text is None else repr(text[:600])


def run(lathe, cases, workers):
    """Counts by outcome, and (case, kind, details) of what is not the same."""
    counts, failures = collections.Counter(), []
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        for case, (kind, details) in zip(cases, pool.map(lambda case: compare(lathe, case), cases)):
            counts[kind] += 1
            if details:
                failures.append((case, kind, details))
    return counts, failures


def report(what, counts, failures, seconds, shown):
    for case, kind, details in failures[:shown]:
        source = case.source if case.name.startswith("snippet") else ""
        print(f"{case.name}: {kind}\n{source}\n{details}\n")
    numbers = ", ".join(f"{count} {kind}" for kind, count in counts.most_common())
    print(f"{what}: {sum(counts.values())} renders in {seconds:.0f} s: {numbers}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--templates", help="a folder of *.jinja files")
    parser.add_argument("--snippets", type=int, default=0, help="how many random snippets")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--lathe", default=ROOT / "build" / "lathe")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--show", type=int, default=20, help="how many differences are printed")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        lathe = Lathe(options.lathe, folder)
        for what, cases in (("templates", list(template_cases(options.templates)) if options.templates else []),
                            ("snippets", list(snippet_cases(options.snippets, options.seed)))):
            if not cases:
                continue
            start = time.monotonic()
            counts, failures = run(lathe, cases, options.workers)
            report(what, counts, failures, time.monotonic() - start, options.show)
            failed += len(failures)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
