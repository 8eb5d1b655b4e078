"""Random templates over the dialect of chat templates, some of them wrong on purpose.

snippet(random) gives (source, variables). The grammar is loose about types: most operands fit, some do not,
since an error is an outcome that is compared too; it stands in template_grammar.txt.
"""
import pathlib
import re

VARIABLES = {
    "n": 7, "z": 0, "neg": -3, "big": 10**15, "f": 2.5, "g": 1e20, "h": -0.1, "yes": True, "no": False, "none": None,
    "s": "Hello, World", "t": "  spaced\tout \n", "u": "Ünïcødé 漢字 🙂ß", "e": "", "d1": "42",
    "html": "<a href='x'>&\"</a>", "lines": "one\ntwo\r\n\nthree four", "pct": "%s and %d",
    "xs": [3, 1, 2], "ss": ["b", "a", "C", "a"], "mixed": [1, "a", None, 2.0, [1], {"k": 1}], "empty": [],
    "nested": [[1, 2], [3], []], "fs": [0.1, 2.0, 1e-7, 3],
    "rows": [{"k": "x", "v": 1, "w": {"q": 3}}, {"k": "y", "v": 2}, {"k": "x", "v": 3, "w": {"q": None}}],
    "map": {"b": 1, "a": [1, 2], "C": {"deep": "é"}, "": None, "items": 5}, "emptymap": {},
    "turns": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": None, "tool_calls": []}],
}


def read_grammar(text):
    """{rule: [alternative, …]}; an alternative is what stands after the two blanks that begin its line."""
    rules = {}
    for line in text.rstrip("\n").split("\n"):
        if line.startswith("#"):
            continue
        if re.fullmatch(r"\w+!?:", line):
            rules[line[:-1]] = alternatives = []
        else:
            alternatives.append(line[2:].replace("NEWLINE", "\n").replace("TAB", "\t"))
    return rules


RULES = read_grammar(pathlib.Path(__file__).with_name("template_grammar.txt").read_text(encoding="utf-8"))
LEAF_CHANCE = 0.25  # of ending early


class Maker:
    """Expands rules of the grammar down to a depth."""

    def __init__(self, random):
        self.random = random
        self.names = 0

    def expand(self, rule, depth):
        leaves = RULES.get(rule + "!")
        early = leaves and (depth <= 0 or self.random.random() < LEAF_CHANCE)
        text = self.random.choice(leaves if early else RULES[rule])
        self.names += 2
        text = text.replace("«1»", f"v{self.names - 1}").replace("«2»", f"v{self.names}")
        return re.sub(r"\$([a-z]+)(!?)", lambda part: self.expand(part[1], 0 if part[2] else depth - 1), text)


def snippet(random):
    maker = Maker(random)
    depth = random.choice((2, 2, 3, 3, 4, 5))
    parts = [maker.expand("raw", depth) + maker.expand("statement", depth) for _ in range(random.randint(1, 2))]
    return "".join(parts) + maker.expand("raw", depth), VARIABLES
