#!/usr/bin/env python3
"""Fills testdata/templates/ with what Jinja2 renders, under the settings of Hugging Face's apply_chat_template.

snippets.jsonl    one row a snippet: {"template", "variables"}; this script adds "render" or "error".
NAME.jinja        whole chat templates; this script writes NAME.json with a render of every
                  conversation of conversations.json (an "error" where the template refuses).

To add a case, add the row or the template and run the script again. Needs `pip install jinja2` (3.1).
"""
import datetime
import json
import pathlib
import sys

import jinja2
import jinja2.ext
import jinja2.nodes
import jinja2.sandbox
import jinja2.utils

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "testdata" / "templates"
NOW = datetime.datetime(2025, 7, 4, 9, 5, 3)  # what strftime_now reads: 1751619903 seconds since 1970
SPECIAL = {"bos_token": "<s>", "eos_token": "</s>"}


class Generation(jinja2.ext.Extension):
    """{% generation %} … {% endgeneration %}: writes its body."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_write"), [], [], body).set_lineno(line)

    def _write(self, caller):
        return caller()


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


class Dict:
    """What `dict` is in transformers' environment: a function with one method."""

    def __call__(self, *positional, **named):
        return dict(*positional, **named)

    def fromkeys(self, *positional, **named):
        return dict.fromkeys(*positional, **named)


class Namespace(jinja2.utils.Namespace):
    """Refuses names that begin with an underscore, as transformers' does."""

    def __init__(*positional, **named):  # no "self", so that namespace(self=1) works
        made, *given = positional
        attributes = dict(*given, **named)
        for name in attributes:
            Namespace._check(name)
        jinja2.utils.Namespace.__init__(made, attributes)

    def __setitem__(self, name, value):
        Namespace._check(name)
        jinja2.utils.Namespace.__setitem__(self, name, value)

    @staticmethod
    def _check(name):
        if isinstance(name, str) and name.startswith("_"):
            raise jinja2.exceptions.SecurityError(f"{name!r} is refused")


def environment():
    made = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, "jinja2.ext.loopcontrols"]
    )
    made.filters["tojson"] = tojson
    made.globals["raise_exception"] = raise_exception
    made.globals["strftime_now"] = NOW.strftime
    made.globals["dict"] = Dict()
    made.globals["namespace"] = Namespace
    return made


def render(source, variables):
    """{"render": text} or {"error": what Python says}."""
    try:
        return {"render": environment().from_string(source).render(**variables)}
    except Exception as error:  # whatever a template can raise is an expected outcome
        return {"error": f"{type(error).__name__}: {error}"}


def write_json_lines(path, rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def fill_snippets():
    path = FOLDER / "snippets.jsonl"
    with path.open(encoding="utf-8") as lines:  # not splitlines(): strings hold other line breaks
        rows = [json.loads(line) for line in lines]
    done = []
    for row in rows:
        case = {"template": row["template"], "variables": row.get("variables", {})}
        done.append(case | render(case["template"], case["variables"]))
    write_json_lines(path, done)
    return len(done)


def fill_conversations():
    conversations = json.loads((FOLDER / "conversations.json").read_text(encoding="utf-8"))
    for path in sorted(FOLDER.glob("*.jinja")):
        cases = []
        for case in conversations:
            variables = {key: case.get(key) for key in ("messages", "tools", "add_generation_prompt")}
            variables |= {"documents": None} | SPECIAL | case.get("extra", {})
            cases.append({"scenario": case["scenario"]} | render(path.read_text(encoding="utf-8"), variables))
        text = json.dumps({"special": SPECIAL, "cases": cases}, ensure_ascii=False, indent=1)
        path.with_suffix(".json").write_text(text + "\n", encoding="utf-8")
    return len(conversations)


if __name__ == "__main__":
    print(f"{fill_snippets()} snippets, {fill_conversations()} conversations a template", file=sys.stderr)
