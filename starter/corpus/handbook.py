"""Contexts in the manner of a handbook: rules and facts about things of one house, without a named subject."""
from functools import lru_cache
from pathlib import Path

from . import values
from . import words as w
from .wording import vary

_SLOTS = {
    "dev": lambda d: d.pick(w.DEVICES) if d.chance(0.8) else f"{d.pick(w.ADJECTIVES)} {d.pick(w.DEVICES)}",
    "dev2": lambda d: d.pick(w.DEVICES), "noun": lambda d: d.pick(w.NOUNS), "svc": lambda d: d.pick(w.SERVICES),
    "dep": lambda d: d.pick(w.DEPARTMENTS), "who": lambda d: d.pick(w.ITEMS_POLICY), "room": lambda d: d.pick(w.ROOMS),
    "place": lambda d: d.pick(w.PLACES), "pls": values.plural, "name": lambda d: d.name(), "word": lambda d: d.word() if d.chance(0.5) else f"{d.pick(w.COMMON)} {d.pick(w.COMMON)}",
    "adj": lambda d: d.pick(w.ADJECTIVES), "btn": lambda d: d.pick(w.BUTTONS), "col": values.colour,
    "job": lambda d: d.pick(w.JOBS), "day": values.weekday}
# Things of the house: where a sentence speaks of a device, it may carry the maker's name for it.
_NAMED = ("dev", "svc")


@lru_cache(maxsize=None)
def facts():
    """(value function, statements, questions, slots) of handbook.txt and its continuations by subject."""
    files = sorted(Path(__file__).parent.glob("handbook*.txt"))
    rows = []
    for line in (line for path in files for line in path.read_text(encoding="utf-8").splitlines()):
        if not line or line.startswith("#"):
            continue
        value, statements, questions = (p.strip() for p in line.split(" = "))
        slots = tuple(s for s in _SLOTS if "{" + s + "}" in statements)
        rows.append((values.VALUES[value], tuple(s.strip() for s in statements.split(" / ")),
                     tuple(q.strip() for q in questions.split(" / ")), slots))
    return tuple(rows)


def _fill(template, drawn):
    for slot, text in drawn:
        if text[0] in "aeiou":
            template = template.replace(" a " + slot, " an " + slot).replace("A " + slot, "An " + slot)
        template = template.replace(slot, text)
    return template[0].upper() + template[1:]


def _slots(d, names, theme):
    """The parts of one fact: mostly those of the theme, so that facts of a passage share words."""
    out = []
    for name in names:
        if name in theme and d.chance(0.6):
            text = theme[name]
        else:
            text = _SLOTS[name](d)
            if name in _NAMED and d.chance(0.3):
                text = f"{d.name() if d.chance(0.5) else d.pick(w.COMMON).capitalize()} {text}"
        out.append(("{" + name + "}", text))
    return out


def _theme(d):
    return {name: _SLOTS[name](d) for name in ("dev", "svc", "room", "pls", "noun", "dep", "who")}


def _fact(d, row, theme):
    """One fact as (key, sentence, question, answer); None when the value would open the sentence in small letters.

    The key names what the fact is about, without the value: facts of equal key must not be told twice.
    """
    make_value, statements, questions, names = row
    value, statement = make_value(d), d.pick(statements)
    if statement.startswith("{v}") and value[0].islower():
        return None
    drawn = _slots(d, names, theme)
    sentence = _fill(statement, drawn).replace("{v}", value)
    return _fill(questions[0], drawn), sentence, _fill(d.pick(questions), drawn), value


_TITLES = ("{dev}", "{svc}", "{room}", "Rules for {who}", "{pls}", "{dep}", "Questions about the {dev}", "Help: {dev}")


def passages(d, count, fillers):
    """(passages, asked, absent): see contexts.Context."""
    theme = _theme(d)
    per = d.between(2, 6) if count < 3 else d.between(1, 5) if count == 3 else d.between(1, 3)
    base = d.sample(facts(), max(2, per * count * 2 // 3))
    texts, asked, absent, seen = [], [], [], set()
    for index in range(count):
        sentences = []
        local = _theme(d) if d.chance(0.5) else theme
        for _ in range(per):
            told = _fact(d, d.pick(base), local)
            if told is None or told[0] in seen:
                continue
            seen.add(told[0])
            sentences.append(vary(d, told[1]))
            asked.append((told[2], told[3], index, told[0]))
        if not sentences or d.chance(0.2):
            sentences.append(d.pick(fillers))
        text = " ".join(sentences)
        if d.chance(0.25):
            title = _fill(d.pick(_TITLES), [("{" + k + "}", v) for k, v in local.items()])
            text = f"{title}: {text}"
        texts.append(text)
    for row in d.sample(base, 2) + d.sample(facts(), 2):
        told = _fact(d, row, theme)
        if told and told[0] not in seen:
            absent.append((told[2], told[0]))
    return texts, asked, absent
