#!/usr/bin/env python3
"""Checks the helpdesk data set: python3 examples/helpdesk/check.py

Every row has the right shape and a known label; no text is asked twice, within a file or across the two; every
fact's answer stands in exactly one document of the handbook; no test answer is a training answer.  Prints the
counts, or the first fault and exits with 1.
"""
import json
import re
import sys
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
LABELS = {"otter-desk", "amber-lane", "maple-room", "quill-team", "cobalt-dock", "fern-circle", "zinc-bench",
          "tansy-hall"}
ROLES = {"facts": ["user", "assistant"], "classify": ["system", "user", "assistant"]}
LEAST = {"train.jsonl": 240, "test.jsonl": 80}


class Fault(Exception):
    """What is wrong with the data, and where."""


def rows_of(name):
    out = []
    for number, line in enumerate((HERE / name).read_text(encoding="utf-8").splitlines(), 1):
        row = json.loads(line)
        where = f"{name}:{number}"
        roles = [m["role"] for m in row["messages"]]
        if roles != ROLES.get(row["task"]):
            raise Fault(f"{where}: roles {roles} do not fit task {row['task']!r}")
        out.append((where, row["task"], row["messages"][-2]["content"], row["messages"][-1]["content"]))
    if len(out) < LEAST[name]:
        raise Fault(f"{name}: {len(out)} rows, fewer than {LEAST[name]}")
    return out


def holds(text, answer):
    """Whether `answer` stands in `text` as whole words ("5 euros" is not in "2.5 euros")."""
    return re.search(r"(?<![\w.])" + re.escape(answer) + r"(?!\w|\.\d)", text) is not None


def check_documents(documents):
    if len(documents) < 24:
        raise Fault(f"handbook: {len(documents)} documents, fewer than 24")
    for name, text in documents.items():
        count = len(text.split())
        if not 100 <= count <= 250:
            raise Fault(f"handbook/{name}: {count} words, not 100 to 250")


def check_row(where, task, answer, documents):
    if task == "classify":
        if answer not in LABELS:
            raise Fault(f"{where}: unknown label {answer!r}")
        return
    places = [name for name, text in documents.items() if holds(text, answer)]
    if len(places) != 1:
        raise Fault(f"{where}: answer {answer!r} stands in {places or 'no document'}, not in exactly one")
    if not 1 <= len(answer.split()) <= 8:
        raise Fault(f"{where}: answer {answer!r} is not short")


def check():
    documents = {p.name: p.read_text(encoding="utf-8") for p in sorted((HERE / "handbook").glob("*.md"))}
    check_documents(documents)
    files = {name: rows_of(name) for name in LEAST}
    asked, facts = {}, {name: set() for name in files}
    for name, rows in files.items():
        for where, task, text, answer in rows:
            check_row(where, task, answer, documents)
            if asked.setdefault(text.lower(), where) != where:
                raise Fault(f"{where}: same text as {asked[text.lower()]}")
            if task == "facts":
                facts[name].add(answer)
        if {a for _, t, _, a in rows if t == "classify"} != LABELS:
            raise Fault(f"{name}: a label has no row")
    shared = facts["train.jsonl"] & facts["test.jsonl"]
    if shared:
        raise Fault(f"test answers also trained on: {sorted(shared)}")
    print(f"{len(documents)} documents")
    for name, rows in files.items():
        print(f"{name}: {len(rows)} rows, {dict(Counter(task for _, task, _, _ in rows))}")


if __name__ == "__main__":
    try:
        check()
    except Fault as fault:
        sys.exit(str(fault))
