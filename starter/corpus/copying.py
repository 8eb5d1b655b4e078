"""Skill "copying": echo, continue and look up what the context holds."""
from . import values
from . import words as w
from .episode import Trace, chat, plain

SKILL = "copying"
_ECHO = ("Repeat: {}", "Say {}", "Repeat after me: {}", "Echo this: {}", "Write {}", "Copy this: {}", "Type {}",
         "Please repeat: {}", "Say the following: {}", "Give me back this text: {}")
_ECHO_QUOTED = ('Repeat the text in quotes: "{}"', 'Say "{}"', 'Please write "{}"', 'What is in the quotes? "{}"',
                'Copy the words "{}" and nothing else.', 'My name is "{}". What is my name?', 'The word is "{}". Which word is it?',
                'Answer with "{}".', 'If you can read this, say "{}".')
_TOKENS = ("word", "word", "noun", "common", "number", "code", "name", "email", "mixed")


def _token(d, kind):
    if kind == "mixed":
        kind = d.pick(_TOKENS[:-1])
    if kind == "word":
        return d.word()
    if kind == "noun":
        return d.pick(w.NOUNS)
    if kind == "common":
        return d.pick(w.COMMON)
    if kind == "name":
        return values.person(d)
    if kind == "number":
        return str(d.between(1, 9999))
    return values.code(d) if kind == "code" else values.email(d)


def _phrase(d):
    x = d.random()
    if x < 0.3:
        return _token(d, d.pick(_TOKENS))
    if x < 0.6:
        kind = d.pick(_TOKENS[:6])
        return " ".join(_token(d, kind) for _ in range(d.between(2, 6)))
    value = d.pick(_PHRASE_VALUES)
    return values.VALUES[value](d)


_PHRASE_VALUES = tuple(values.VALUES)


def _echo(d):
    messages, trace = [], []
    for _ in range(d.between(2, 6)):
        text = _phrase(d)
        template = d.pick(_ECHO_QUOTED) if d.chance(0.5) else d.pick(_ECHO)
        messages += [("user", template.format(text)), ("assistant", text)]
        trace.append(Trace(text, messages[-2][1]))
    return chat(SKILL, messages, trace)


def _times(d):
    """Say something two or three times, or join two things."""
    messages = []
    for _ in range(d.between(2, 4)):
        a, b = _token(d, d.pick(_TOKENS)), _token(d, d.pick(_TOKENS))
        asked, answer = d.pick(((f"Say {a} twice.", f"{a} {a}"), (f"Write {a} three times.", f"{a} {a} {a}"),
                                (f"Write {a} and {b}.", f"{a} and {b}"), (f"Say {b} and then {a}.", f"{b} {a}"),
                                (f"Put {a} in quotes.", f'"{a}"'), (f"Write {a} with a comma and {b}.", f"{a}, {b}")))
        messages += [("user", asked), ("assistant", answer)]
    return chat(SKILL, messages)


def _lookup(d):
    """A table of keys and values, then the values asked by key (or keys by value)."""
    count = d.between(3, 9)
    kind, value_kind = d.pick(_TOKENS[:6]), d.pick(_PHRASE_VALUES)
    table = {}
    while len(table) < count:
        table[_token(d, kind)] = values.VALUES[value_kind](d)
    link = d.pick((" = ", ": ", " is ", " -> ", " means "))
    text = d.pick(("\n", "; ", ", ", "\n")).join(k + link + v for k, v in table.items())
    messages, trace = [], []
    back = d.chance(0.25) and len(set(table.values())) == count
    for key in d.sample(list(table), d.between(2, min(count, 6))):
        asked, answer = (table[key], key) if back else (key, table[key])
        line = d.pick(("{}?", "What is {}?", "{}", "Give me {}.", "And {}?")).format(asked)
        messages += [("user", f"{text}\n\n{line}" if not messages else line), ("assistant", answer)]
        trace.append(Trace(answer, text))
    return chat(SKILL, messages, trace)


_ORDER = ("first", "second", "third", "fourth", "fifth")


def _position(d):
    """The first, second or last of a row."""
    messages, trace = [], []
    kind = d.pick(_TOKENS[:7])
    row = []
    while len(row) < d.between(3, 5):
        item = _token(d, kind)
        if item not in row:
            row.append(item)
    text = d.pick((", ", " ", "; ", "\n")).join(row) if kind != "name" else ", ".join(row)
    for place in d.sample(range(-1, len(row)), d.between(2, len(row))):
        asked = f"Which is the {_ORDER[place] if place >= 0 else 'last'} one?"
        messages += [("user", f"{text}\n{asked}" if not messages else asked), ("assistant", row[place])]
        trace.append(Trace(row[place], text))
    if d.chance(0.5) and len(row) > 2:
        place = d.between(0, len(row) - 2)
        messages += [("user", f"What comes after {row[place]}?"), ("assistant", row[place + 1])]
    return chat(SKILL, messages, trace)


def _repeats(d):
    """Plain text that repeats a random row: the cheapest lesson in copying."""
    kind = d.pick(_TOKENS)
    row = [_token(d, kind) for _ in range(d.between(3, 14 if kind != "email" else 5))]
    link = d.pick((" ", " ", ", ", "\n", " - "))
    line = link.join(row)
    end = d.pick((". ", "\n", " | ", "\n\n"))
    times = max(2, min(5, 420 // (len(line) + 2)))
    return plain(SKILL, end.join([line] * times))


def _drill(d):
    """Pairs that return in another order: after a key comes its value, again and again."""
    kind, value_kind = d.pick(_TOKENS[:4]), d.pick(_TOKENS[:4])
    pairs = [(_token(d, kind), _token(d, value_kind)) for _ in range(d.between(3, 7))]
    link = d.pick((" ", ": ", " has ", " likes ", " = "))
    lines = []
    for _ in range(d.between(2, 4)):
        lines += [a + link + b for a, b in d.shuffle(pairs)]
    return plain(SKILL, d.pick((". ", "\n", ", ")).join(lines))


_KINDS = ((_echo, 0.28), (_times, 0.36), (_lookup, 0.62), (_position, 0.72), (_repeats, 0.86), (_drill, 1.0))


def build(d, chat_only=False):
    while True:
        episode = d.weighted(_KINDS)(d)
        if episode.messages is not None or not chat_only:
            return episode
