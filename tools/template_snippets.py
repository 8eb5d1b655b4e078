"""Random templates over the dialect of chat templates, some of them wrong on purpose.

snippet(random) gives (source, variables). Expressions are typed loosely: most operands fit, some do not, since an
error is an outcome that is compared too.
"""

VARIABLES = {
    "n": 7, "z": 0, "neg": -3, "big": 10**15, "f": 2.5, "g": 1e20, "h": -0.1, "yes": True, "no": False, "none": None,
    "s": "Hello, World", "t": "  spaced\tout \n", "u": "Ünïcødé 漢字 🙂ß", "e": "", "d1": "42", "html": "<a href='x'>&\"</a>",
    "lines": "one\ntwo\r\n\nthree four", "pct": "%s and %d",
    "xs": [3, 1, 2], "ss": ["b", "a", "C", "a"], "mixed": [1, "a", None, 2.0, [1], {"k": 1}], "empty": [],
    "nested": [[1, 2], [3], []], "fs": [0.1, 2.0, 1e-7, 3],
    "rows": [{"k": "x", "v": 1, "w": {"q": 3}}, {"k": "y", "v": 2}, {"k": "x", "v": 3, "w": {"q": None}}],
    "map": {"b": 1, "a": [1, 2], "C": {"deep": "é"}, "": None, "items": 5}, "emptymap": {},
    "messages2": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": None, "tool_calls": []}],
}
NUMBERS = ("n", "z", "neg", "big", "f", "g", "h", "yes")
TEXTS = ("s", "t", "u", "e", "d1", "html", "lines", "pct")
LISTS = ("xs", "ss", "mixed", "empty", "nested", "fs", "rows", "messages2")
MAPS = ("map", "emptymap", "rows[0]", "messages2[1]")
ANY = NUMBERS + TEXTS + LISTS + MAPS + ("none", "no", "missing", "missing.deeper", "map.nothing")
INTEGERS = ("0", "1", "2", "3", "-1", "-2", "5", "10", "100")
LITERAL_TEXTS = ("''", "'a'", "\"l\"", "', '", "'o'", "'\\n'", "'é'", "'%s'", "'%5.2f|%-4d|%x'", "'abc' 'def'", "'<b>'", "' '")


class Maker:
    """Writes random expressions and statements of bounded depth."""

    def __init__(self, random):
        self.random = random
        self.names = 0

    def pick(self, *choices):
        made = self.random.choice(choices)
        return made() if callable(made) else made

    def word(self, words):
        return self.random.choice(words)

    # Expressions: each returns source text.
    def number(self, depth):
        r = self.random
        if depth <= 0 or r.random() < 0.25:
            return self.pick(lambda: self.word(NUMBERS), lambda: self.word(INTEGERS), "1.0", "0.5", "1e3", "1_000")
        d = depth - 1
        return self.pick(
            lambda: f"({self.number(d)} {self.word(('+', '-', '*', '/', '//', '%', '+', '-', '*'))} {self.number(d)})",
            lambda: f"{self.word(('-', '+', ''))}{self.number(d)}",
            lambda: f"({self.number(0)} ** {self.word(('0', '1', '2', '3', '-1', '0.5'))})",
            lambda: f"{self.anything(d)}|{self.word(('length', 'count', 'int', 'float', 'abs', 'sum', 'min', 'max'))}",
            lambda: f"""({self.number(d)})|round({self.word(('', '1', '2', '-1', '0, "floor"', '1, "ceil"', 'method="floor"'))})""",
            lambda: f"{self.text(d)}|int({self.word(('', '5', 'default=-1', '0, 16', 'base=2', 'none'))})",
            lambda: f"{self.text(d)}.{self.word(('count', 'find', 'index', 'rfind'))}({self.text(0)})",
            lambda: f"""{self.sequence(d)}|sum({self.word(('', 'start=10', 'attribute="v"', '"v", 1'))})""",
            lambda: f"{self.sequence(d)}.{self.word(('count', 'index'))}({self.anything(0)})",
        )

    def text(self, depth):
        r = self.random
        if depth <= 0 or r.random() < 0.2:
            return self.pick(lambda: self.word(TEXTS), lambda: self.word(LITERAL_TEXTS))
        d = depth - 1
        simple = ("upper", "lower", "title", "capitalize", "strip", "lstrip", "rstrip", "swapcase", "casefold")
        return self.pick(
            lambda: f"({self.text(d)} ~ {self.anything(d)})",
            lambda: f"({self.text(d)} + {self.text(d)})",
            lambda: f"({self.text(d)} * {self.word(('0', '1', '2', '3', '-1'))})",
            lambda: f"{self.text(d)}.{self.word(simple)}()",
            lambda: f"{self.text(d)}.{self.word(('strip', 'lstrip', 'rstrip', 'removeprefix', 'removesuffix'))}({self.text(0)})",
            lambda: f"{self.text(d)}.replace({self.text(0)}, {self.text(0)}{self.word(('', ', 1', ', -1', ', 0'))})",
            lambda: f"{self.text(0)}.join({self.sequence(d)})",
            lambda: f"{self.text(d)}{self.subscript()}",
            lambda: f"""{self.text(d)}.{self.word(('center', 'ljust', 'rjust', 'zfill'))}({self.word(('3', '12', '-1'))}{self.word(('', '', ', "*"'))})""",
            lambda: f"{self.text(d)}|{self.text_filter(d)}",
            lambda: f"""{self.anything(d)}|{self.word(('string', 'tojson', 'e', 'escape', 'safe', 'pprint', 'default("D")', 'd("", true)', 'join', 'forceescape'))}""",
            lambda: f"{self.anything(d)}|tojson({self.json_options()})",
            lambda: f"({self.text(0)} % {self.format_operand(d)})",
            lambda: f"""{self.text(0)}|format({self.anything(0)}{self.word(('', ', 3', ', "x", 1.5'))})""",
            lambda: f"'{self.braces()}'.format({self.anything(0)}, {self.number(0)}, k={self.text(0)})",
            lambda: f"({self.text(d)} if {self.condition(d)} else {self.text(d)})",
            lambda: f"""{self.sequence(d)}|join({self.word(('", "', '""', 'd="-"', '"|", attribute="k"', '"/", "v"', 'n'))})""",
        )

    def text_filter(self, depth):
        return self.pick(
            "upper", "lower", "title", "capitalize", "trim", "striptags", "urlencode", "wordcount", "reverse", "escape", "list",
            "safe", "string", "first", "last", "filesizeformat",
            lambda: f"trim({self.text(0)})",
            lambda: f"replace({self.text(0)}, {self.text(0)}{self.word(('', ', 1'))})",
            lambda: f"""truncate({self.word(('5', '8, true', '6, true, "…"', '10, false, "..", 0', '255', '3, leeway=1'))})""",
            lambda: f"""indent({self.word(('', '2', '1, true', '3, false, true', 'width="> "', 'first=true', 'blank=true'))})""",
            lambda: f"""wordwrap({self.word(('5', '10, false', '8, true, "|"', '6, break_on_hyphens=false', '79'))})""",
            lambda: f"center({self.word(('', '10', '20'))})",
            lambda: f"default({self.text(0)})",
        )

    def format_operand(self, depth):
        return self.pick(
            lambda: self.anything(depth),
            lambda: f"({self.anything(0)}, {self.number(0)})",
            lambda: f"({self.number(0)},)",
            lambda: f"({self.number(0)}, {self.number(0)}, {self.number(0)})",
            lambda: "{'k': " + self.anything(0) + "}",
        )

    def braces(self):
        parts = ("{}", "{0}", "{1}", "{k}", "{:>8}", "{0!r}", "{1:.2f}", "{1:05d}", "{1:,}", "{0!s:^9}", "{{}}", "{1:e}", "{2}", "{k[0]}", "{1:+x}")
        return " ".join(self.word(parts) for _ in range(self.random.randint(1, 3)))

    def json_options(self):
        return self.word(("", "indent=2", "indent=4, ensure_ascii=true", "ensure_ascii=True", "sort_keys=true", "separators=(',', ':')",
                          "indent=0", "indent='--'", "indent=none", "true", "indent=2, separators=(',', ': ')", "indent=-1"))

    def subscript(self):
        if self.random.random() < 0.4:
            return f"""[{self.word(('0', '1', '-1', '-2', '5', '99', 'n', '"k"', '"a"', 'none', '1.0', 'true'))}]"""
        end = ("", "0", "1", "2", "-1", "-2", "5", "99", "none")
        step = ("", "", ":", ":1", ":2", ":-1", ":-2", ":0")
        return f"[{self.word(end)}:{self.word(end)}{self.word(step)}]"

    def sequence(self, depth):
        r = self.random
        if depth <= 0 or r.random() < 0.25:
            return self.pick(lambda: self.word(LISTS), lambda: self.word(("[1, 2, 3]", "('a', 1)", "(1,)", "()", "[]", "range(4)", "range(5, 0, -2)")))
        d = depth - 1
        attribute = ("'k'", "'v'", "'w.q'", "'missing'", "0", "'role'")
        return self.pick(
            lambda: f"[{self.anything(d)}, {self.anything(d)}]",
            lambda: f"({self.anything(d)}, {self.anything(d)})",
            lambda: f"({self.sequence(d)} + {self.sequence(d)})",
            lambda: f"({self.sequence(d)} * 2)",
            lambda: f"{self.sequence(d)}{self.subscript()}",
            lambda: f"range({self.number(0)})",
            lambda: f"""{self.text(d)}.split({self.word(('', '" "', '","', 'none, 1', '"l", 1', 'maxsplit=1', '""', 'sep="o"'))})""",
            lambda: f"""{self.text(d)}.{self.word(('rsplit(none, 1)', 'splitlines()', 'splitlines(true)', 'partition(",")', 'rpartition("o")', 'rsplit("l", 1)'))}""",
            lambda: f"""{self.anything(d)}|{self.word(('list', 'reverse|list', 'unique|list', 'sort', 'items|list', 'dictsort', 'batch(2)|list', 'batch(2, "-")|list', 'slice(2)|list', 'slice(3, 0)|list', 'first', 'last'))}""",
            lambda: f"""{self.sequence(d)}|sort({self.word(('true', 'reverse=true', 'case_sensitive=true', 'attribute="k"', 'attribute="v,k"', 'attribute="w.q"'))})""",
            lambda: f"""{self.sequence(d)}|map({self.word(('"upper"', '"length"', '"string"', '"abs"', 'attribute="k"', 'attribute="w.q", default=0', '"default", 1', '"first"', '"replace", "a", "b"', '"nonesuch"', '"tojson"', '"int"', '"trim"'))})|list""",
            lambda: f"""{self.sequence(d)}|{self.word(('select', 'reject'))}({self.word(('', '"odd"', '"string"', '"none"', '"mapping"', '"defined"', '"gt", 1', '"eq", 1', '"in", [1, 2]', '"divisibleby", 2', '"nonesuch"'))})|list""",
            lambda: f"""{self.sequence(d)}|{self.word(('selectattr', 'rejectattr'))}({self.word(attribute)}{self.word(('', ', "defined"', ', "equalto", "x"', ', "==", 1', ', "gt", 1', ', "none"', ', "in", [1, 2]'))})|list""",
            lambda: f"""{self.sequence(d)}|groupby({self.word(attribute)}{self.word(('', ', default="?"', ', case_sensitive=true'))})|list""",
            lambda: f"""{self.sequence(d)}|unique({self.word(('true', 'case_sensitive=true', 'attribute="k"'))})|list""",
            lambda: f"{self.mapping(d)}.{self.word(('keys()', 'values()', 'items()', 'keys()|list', 'items()|list', 'values()|sort'))}",
            lambda: f"""{self.mapping(d)}|dictsort({self.word(('', 'true', 'by="value"', 'false, "key", true', 'reverse=true', '"x"'))})""",
        )

    def mapping(self, depth):
        if depth <= 0 or self.random.random() < 0.4:
            return self.word(MAPS)
        d = depth - 1
        return self.pick(
            lambda: "{" + f"'k': {self.anything(d)}, {self.anything(0)}: {self.anything(0)}" + "}",
            lambda: f"dict({self.mapping(0)}, z={self.anything(d)})",
            lambda: f"dict(a=1, b={self.anything(d)})",
            lambda: f"{self.sequence(d)}[0]",
            lambda: "{}",
        )

    def condition(self, depth):
        r = self.random
        if depth <= 0 or r.random() < 0.2:
            return self.pick(lambda: self.word(ANY), "true", "false", "True", "None")
        d = depth - 1
        tests = ("defined", "undefined", "none", "string", "number", "integer", "float", "boolean", "mapping", "sequence", "iterable",
                 "callable", "odd", "even", "true", "false", "lower", "upper", "divisibleby 2", "divisibleby(3)", "eq 1", "ne 'a'", "gt 1", "lt(2)",
                 "ge 2", "in [1, 'a', none]", "sameas none", "sameas(true)", "escaped", "equalto('x')", "filter", "test")
        return self.pick(
            lambda: f"{self.anything(d)} is {self.word(('', '', 'not '))}{self.word(tests)}",
            lambda: f"({self.condition(d)} {self.word(('and', 'or'))} {self.condition(d)})",
            lambda: f"not {self.condition(d)}",
            lambda: f"({self.number(d)} {self.word(('<', '<=', '>', '>=', '==', '!='))} {self.number(d)})",
            lambda: f"({self.number(d)} < {self.number(d)} <= {self.number(d)})",
            lambda: f"({self.anything(d)} {self.word(('==', '!=', '<', '>=', 'in', 'not in'))} {self.anything(d)})",
            lambda: f"({self.text(0)} {self.word(('in', 'not in'))} {self.anything(d)})",
            lambda: f"""{self.text(d)}.{self.word(('startswith', 'endswith'))}({self.word(('"H"', '""', '("a", "H", "d")', '"l", 2', '"World", 0, 5', 's', 'n'))})""",
            lambda: f"{self.text(d)}.{self.word(('isdigit', 'isalpha', 'isalnum', 'isspace', 'isupper', 'islower', 'isnumeric', 'isdecimal', 'istitle', 'isascii', 'isidentifier'))}()",
        )

    def anything(self, depth):
        return self.pick(
            lambda: self.number(depth), lambda: self.text(depth), lambda: self.sequence(depth), lambda: self.mapping(depth),
            lambda: self.word(ANY), lambda: self.text(depth), lambda: f"({self.condition(depth)})",
            lambda: f"""{self.mapping(depth)}.get({self.word(('"b"', '"k"', '"nope"', '"nope", 5', 'n'))})""",
            lambda: f"{self.mapping(depth)}.{self.word(('b', 'a', 'C.deep', 'nope', '__class__', 'k'))}",
            lambda: f"""{self.sequence(depth)}|{self.word(('first', 'last', 'min', 'max', 'min(attribute="v")', 'max(case_sensitive=true)'))}""",
            lambda: f"""{self.word(('xs.append(1)', 'map.update({})', 's.format_map(map)', 'xs.__len__()', 'cycler(1, "b").next()', 'cycler("a").current', 'joiner("; ")()', 's.format(n)', 'dict.fromkeys(xs)', 'loop', 'namespace(a=n).a', 'xs.copy()', 'map.copy()'))}""",
        )

    # Statements.
    def name(self):
        self.names += 1
        return f"v{self.names}"

    def tag(self, text):
        return "{%" + self.word(("", "", "-", "+")) + f" {text} " + self.word(("", "", "-")) + "%}"

    def print(self, depth):
        return "{{" + self.word(("", "", "-")) + f" {self.anything(depth)} " + self.word(("", "", "-")) + "}}"

    def raw_text(self):
        return self.word(("", " ", "\n", "a", " b \n", "\n\n  ", "text: ", "{# note #}", "  {#- x -#}  ", "\t", "<b>", "{"[:0], "} }", "\r\n"))

    def body(self, depth):
        return "".join(self.raw_text() + self.statement(depth - 1) for _ in range(self.random.randint(1, 2))) + self.raw_text()

    def loop(self, depth):
        name = self.name()
        inside = (f"{{{{ {name} }}}}", "{{ loop.index }}", "{{ loop.index0 }}{{ loop.revindex }}", "{{ loop.first }}/{{ loop.last }}", "{{ loop.length }}",
                  "{{ loop.cycle('x', 'y') }}", f"{{{{ loop.changed({name}) }}}}", "{{ loop.previtem }}{{ loop.nextitem }}", "{{ loop.depth }}",
                  "{% if loop.index > 1 %}{% break %}{% endif %}", "{% if loop.first %}{% continue %}{% endif %}", "{{ loop.revindex0 }}",
                  f"{{% set total = total + {name} %}}", f"{{{{ {name}.k }}}}", f"{{{{ {name}[0] }}}}", "{{ loop }}", "{% if loop.last %}!{% endif %}")
        body = "".join(self.word(inside) for _ in range(self.random.randint(1, 3)))
        more = self.body(depth - 1) if depth > 0 else ""
        filtered = self.word(("", "", "", f" if {name}", f" if {name} is string", f" if {name} != 1"))
        otherwise = self.word(("", "", "{% else %}nothing"))
        iterable = self.pick(lambda: self.sequence(1), lambda: self.anything(1), lambda: self.text(0), "map", "map.items()")
        target = name
        if iterable == "map.items()" or self.random.random() < 0.1:
            target = f"{name}, {self.name()}"
        return self.tag(f"for {target} in {iterable}{filtered}") + body + more + otherwise + self.tag("endfor")

    def recursive_loop(self):
        return ("{% for item in nested + xs recursive %}{{ loop.depth }}:{% if item is iterable and item is not string %}[{{ loop(item) }}]"
                "{% else %}{{ item }}{% endif %}{{ loop.cycle(',', ';') }}{% endfor %}")

    def macro(self, depth):
        name = self.name()
        parameters = self.word(("", "a", "a, b=2", "a, b=a", "a='x', b=none", "*args", "a, *rest"))
        inside = self.word(("{{ a }}", "{{ a }}-{{ b }}", "{{ varargs }}{{ kwargs }}", "{{ caller() if caller else 'none' }}", "{{ n }}", "{{ a|upper }}"))
        call = self.word(("", "1", "1, 2", "b=3", "a=1", "'q', b='r'", "1, 2, 3", "a=1, c=5", "*xs", "**map"))
        use = self.pick(
            f"{{{{ {name}({call}) }}}}", f"{{{{ {name}({call})|upper }}}}", f"{{{{ {name}.name }}}}{{{{ {name}.arguments }}}}",
            lambda: f"{{% call {name}({call}) %}}{self.body(depth - 1)}{{% endcall %}}",
            f"{{% call(p) {name}({call}) %}}{{{{ p }}}}{{% endcall %}}", f"{{{{ {name} }}}}"[:0])
        return self.tag(f"macro {name}({parameters})") + inside + self.tag("endmacro") + use

    def statement(self, depth):
        if depth <= 0:
            return self.print(2)
        name = self.name()
        return self.pick(
            lambda: self.print(3), lambda: self.print(2),
            lambda: self.tag(f"if {self.condition(2)}") + self.body(depth - 1) + self.word(("", "{% else %}E", "{% elif n %}N{% else %}E")) + self.tag("endif"),
            lambda: self.loop(depth - 1), lambda: self.loop(depth - 1), self.recursive_loop,
            lambda: self.tag(f"set {name} = {self.anything(2)}") + f"{{{{ {name} }}}}",
            lambda: self.tag(f"set {name}, {name}b = {self.sequence(2)}") + f"{{{{ {name} }}}}{{{{ {name}b }}}}",
            lambda: self.tag(f"set {name}{self.word(('', '|upper', '|trim|length'))}") + self.body(depth - 1) + self.tag("endset") + f"[{{{{ {name} }}}}]",
            lambda: f"{{% set ns = namespace(a=1, b={self.anything(0)}) %}}" + "{% for i in xs %}{% set ns.a = ns.a + i %}{% endfor %}{{ ns.a }}{{ ns.b }}",
            lambda: self.tag(f"""filter {self.word(('upper', 'trim', 'indent(2)', 'replace("a", "b")', 'tojson', 'escape'))}""") + self.body(depth - 1) + self.tag("endfilter"),
            lambda: self.macro(depth),
            lambda: self.tag(f"with a={self.anything(1)}, b=n") + self.body(depth - 1) + "{{ a }}" + self.tag("endwith"),
            lambda: self.tag("generation") + self.body(depth - 1) + self.tag("endgeneration"),
            lambda: "{% raw %}{{ x }}{% endraw %}",
            lambda: f"{{{{ raise_exception({self.text(1)}) if {self.condition(1)} }}}}",
            lambda: f"{{% if {self.condition(1)} %}}{{{{- {self.text(2)} -}}}}{{% endif %}}",
        )


def snippet(random):
    maker = Maker(random)
    depth = random.choice((0, 0, 0, 1, 1, 2, 3))
    source = "".join(maker.raw_text() + maker.statement(depth) for _ in range(random.randint(1, 2))) + maker.raw_text()
    return source, VARIABLES
