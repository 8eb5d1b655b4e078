"""Relations: what can be said of an entity, how it is asked, and the entities themselves.

`relations.txt` holds hand-written relations by kind of entity; `attributes.txt` plain attributes that any
thing may have.  Both become `Relation` objects: pairs of statement templates and the questions that each
statement answers.
"""
from collections import namedtuple
from functools import lru_cache
from pathlib import Path

from . import values
from . import words as w

# forms: tuple of (statement, questions); back: questions answered by the entity; group: see relations.txt.
Relation = namedtuple("Relation", "kind group value forms back")
# An entity: its name in a sentence, subject pronoun, possessive pronoun.
Entity = namedtuple("Entity", "name subject possessive")

_HERE = Path(__file__).parent
KINDS = ("person", "town", "company", "device", "service", "place", "pet", "book", "group")

_ATTRIBUTE_STATEMENTS = (
    "The {a} of {e} is {v}.", "{e} has this {a}: {v}.", "As for {e}, the {a} is {v}.", "{e}'s {a} is {v}.",
    "For {e}, the {a} is {v}.", "The {a} for {e} is {v}.", "In the case of {e}, the {a} is {v}.",
    "The list gives {v} as the {a} of {e}.", "They chose {v} as the {a} of {e}.",
    "The {a} of {e} was changed to {v}.", "Note that the {a} of {e} is {v}.")
_ATTRIBUTE_QUESTIONS = (
    "What is the {a} of {e}?", "What is the {a} of {e}?", "What is {e}'s {a}?", "What {a} does {e} have?",
    "Which {a} does {e} have?", "Tell me the {a} of {e}.", "What is the {a} for {e}?", "{a} of {e}?",
    "What do we know about the {a} of {e}?", "Can you tell me the {a} of {e}?")
_ATTRIBUTE_QUESTIONS_BY_VALUE = {
    "price": ("How much is the {a} of {e}?", "How high is the {a} for {e}?"),
    "percent": ("How high is the {a} of {e}?",),
    "date": ("When is the {a} of {e}?", "On which day is the {a} of {e}?"),
    "time": ("When is the {a} of {e}?", "At what time is the {a} of {e}?"),
    "duration": ("How long is the {a} of {e}?", "How long is the {a} for {e}?"),
    "person": ("Who is the {a} of {e}?", "Who is {e}'s {a}?", "What is the name of the {a} of {e}?"),
    "town": ("Where is the {a} of {e}?", "Which town is the {a} of {e}?"),
    "place": ("Where is the {a} of {e}?", "Where do I find the {a} of {e}?"),
    "address": ("Where is the {a} of {e}?", "Where can I find the {a} of {e}?"),
    "colour": ("What colour is the {a} of {e}?",),
    "weekday": ("When is the {a} of {e}?", "Which day is the {a} of {e}?"),
    "length": ("How much is the {a} of {e}?",), "weight": ("How much is the {a} of {e}?",)}


def _form(statement, questions):
    return statement.strip(), tuple(q.strip() for q in questions if q.strip())


def _parse_relation(line):
    parts = [p.strip() for p in line.split("=")]
    head, statements, questions = parts[0].split(), parts[1].split(" / "), parts[2].split(" / ")
    back = tuple(q.strip() for q in parts[3].split(" / ")) if len(parts) > 3 and parts[3] else ()
    kind, value = head[0].lstrip("@"), values.VALUES[head[1]]
    if head[0].startswith("@"):  # paired: question k asks for statement k
        count = len(statements)
        forms = tuple(_form(s, questions[i::count]) for i, s in enumerate(statements))
    else:
        forms = tuple(_form(s, questions) for s in statements)
    group = head[2] if len(head) > 2 else f"{kind}:{head[1]}:{statements[0]}"
    return Relation(kind, group, value, forms, back)


def attribute(label, value_name):
    """The relation "the <label> of an entity"."""
    questions = _ATTRIBUTE_QUESTIONS + 2 * _ATTRIBUTE_QUESTIONS_BY_VALUE.get(value_name, ())
    asked = tuple(_capital(q.replace("{a}", label)) for q in questions)
    forms = tuple((s.replace("{a}", label), asked) for s in _ATTRIBUTE_STATEMENTS)
    return Relation("any", "attribute:" + label, values.VALUES[value_name], forms, ())


def _capital(text):
    return text if text.startswith("{") else text[0].upper() + text[1:]


def _lines(name):
    for line in (_HERE / name).read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            yield line


@lru_cache(maxsize=None)
def by_kind():
    """kind -> its relations; "any" -> the plain attributes."""
    table = {kind: [] for kind in KINDS}
    for line in _lines("relations.txt"):
        relation = _parse_relation(line)
        table[relation.kind].append(relation)
    table["any"] = []
    for line in _lines("attributes.txt"):
        value_name, labels = line.split(":")
        for label in labels.split(","):
            table["any"].append(attribute(label.strip(), value_name))
    return {kind: tuple(rows) for kind, rows in table.items()}


def label_of(relation):
    """The attribute's label, None for a hand-written relation."""
    return relation.group[10:] if relation.group.startswith("attribute:") else None


_INVENTED_VALUES = ("number", "person", "town", "colour", "code", "price", "thing", "invented", "material", "place")


def invented_attribute(d):
    """An attribute whose label is an invented word or two words put together, so that only matching can find it."""
    label = d.word() if d.chance(0.6) else f"{d.pick(w.COMMON)} {d.pick(w.COMMON)}"
    return attribute(label, d.pick(_INVENTED_VALUES))


def person(d):
    name = values.person(d)
    first = name.split(" ")[0]
    he = first in w.HE if first in w.FIRST_NAMES else d.chance(0.5)
    return Entity(name, "He" if he else "She", "His" if he else "Her")


def _it(name):
    return Entity(name, "It", "Its")


def town(d):
    return _it(values.town(d))


def company(d):
    x = d.random()
    name = values.brand(d)
    if x < 0.35:
        return _it(name)
    if x < 0.7:
        tail = d.pick(("Ltd", "and Sons", "Bakery", "Motors", "Tools", "Books", "Travel", "Foods", "Garden Centre",
                       "Bank", "Toys", "Design", "Hotel", "Records", "Shoes", "Bikes", "Farm", "Press", "Energy"))
        return _it(f"{name} {tail}")
    return _it(f"the {name} {d.pick(('company', 'bakery', 'shop', 'hotel', 'bank', 'factory', 'group', 'club', 'school', 'clinic'))}")


def device(d):
    x = d.random()
    noun = d.pick(w.DEVICES) if d.chance(0.7) else d.pick(w.NOUNS)
    if x < 0.3:
        return _it(f"the {noun}")
    if x < 0.5:
        return _it(f"the {d.pick(w.ADJECTIVES) if d.chance(0.5) else d.pick(w.COLOURS)} {noun}")
    if x < 0.75:
        return _it(f"the {d.name() if d.chance(0.5) else d.pick(w.COMMON).capitalize()} {noun}")
    if x < 0.85:
        return _it(f"the {d.pick(w.COMMON)} {noun}")
    return _it(values.brand(d))


def service(d):
    x = d.random()
    if x < 0.6:
        return _it(f"the {d.pick(w.SERVICES)}")
    if x < 0.8:
        return _it(f"the {d.name()} {d.pick(('plan', 'pass', 'course', 'ticket', 'tour', 'card', 'offer', 'service'))}")
    return _it(f"the {d.pick(w.NOUNS)} {d.pick(('course', 'service', 'offer', 'plan', 'rental', 'loan', 'repair'))}")


def place(d):
    x = d.random()
    noun = d.pick(w.PLACES)
    if x < 0.4:
        return _it(f"the {noun}")
    if x < 0.7:
        return _it(f"the {d.name()} {noun}")
    if x < 0.85:
        return _it(f"{d.name()} {d.pick(('Tower', 'Hall', 'House', 'Castle', 'Park', 'Museum', 'Station', 'Bridge'))}")
    return _it(f"the {d.pick(w.ADJECTIVES)} {noun}")


def pet(d):
    he = d.chance(0.5)
    return Entity(d.name(), "He" if he else "She", "His" if he else "Her")


def book(d):
    return _it(values.title(d))


def group(d):
    return Entity(d.pick(w.ITEMS_POLICY), "They", "Their")


ENTITIES = {f.__name__: f for f in (person, town, company, device, service, place, pet, book, group)}
