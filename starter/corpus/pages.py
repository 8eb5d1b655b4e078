"""Contexts in the manner of a maker's pages: one named subject a page, and facts about its parts.

What is special here: a page names its subject once and then speaks of "the filter" or of "it", while the question
asks for "the filter of the Dosk"; and several facts of one page are of the same sort (three prices, two ways to
clean), so that only the whole noun phrase finds the right one.
"""
from collections import namedtuple
from functools import lru_cache
from pathlib import Path

from . import values
from . import words as w
from .wording import vary

# A noun phrase: `full` names the subject, `short` leaves it to the page (the same when it stands for itself).
Phrase = namedtuple("Phrase", "full short plural")
# What can be said of the phrases of a class: value name, statements, questions; facts of one group exclude each other.
Predicate = namedtuple("Predicate", "value group statements questions")
# A fact told: who is the page's subject, and the words it is asked with.
Told = namedtuple("Told", "phrase predicate adjunct value sentence")

_WHERE = frozenset(("spot", "place", "town", "address"))
_WHEN = frozenset(("time", "date", "weekday", "month", "hours", "condition"))


@lru_cache(maxsize=None)
def predicates():
    """class -> its predicates, from pages.txt."""
    table = {}
    for line in (Path(__file__).parent / "pages.txt").read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        head, statements, questions = (p.strip() for p in line.split(" = "))
        kind, value = head.split()
        group = "where" if value in _WHERE else "when" if value in _WHEN else value
        table.setdefault(kind, []).append(Predicate(value, group, tuple(s.strip() for s in statements.split(" / ")),
                                                    tuple(q.strip() for q in questions.split(" / "))))
    return {kind: tuple(rows) for kind, rows in table.items()}


# ---- noun phrases

def _a(text):
    return f"{'an' if text[0] in 'aeiou' else 'a'} {text}"


def subject(d):
    """The thing a page is about."""
    x = d.random()
    name = d.name() if d.chance(0.7) else d.pick(w.COMMON).capitalize()
    if x < 0.4:
        return f"the {name}"
    if x < 0.75:
        return f"the {name} {d.pick(w.DEVICES)}"
    if x < 0.85:
        return f"the {d.pick(w.ADJECTIVES)} {d.pick(w.DEVICES)}"
    return f"the {d.pick(w.DEVICES)}"


def _owned(d, short, about, plural=False):
    return Phrase(f"{short} {d.pick(('of', 'of', 'for'))} {about}", short, plural)


def _item(d, about, head=None):
    x = d.random()
    part = head or d.pick(w.PARTS)
    if d.chance(0.15):
        part = f"{d.pick(w.NOUNS)} {part}"
    if x < 0.1:
        return Phrase(about, about, False)
    if x < 0.4:
        return _owned(d, f"the {part}", about)
    if x < 0.6:
        kind = d.pick(d.pick((w.ADJECTIVES, w.COLOURS, w.MATERIALS)))
        return _owned(d, f"the {kind} {part}" if d.chance(0.6) else _a(f"{kind} {part}"), about)
    if x < 0.8:
        return _owned(d, f"{d.pick(('a new', 'a spare', 'a second', 'a used', 'a larger', 'a better', 'each further'))} {part}",
                      about)
    if x < 0.9:
        kind = d.pick(("the batteries", "the screws", "the wheels", "the cables", "the keys", "the spare batteries",
                       f"the {d.pick(w.PLURALS)}", f"the {d.pick(w.ADJECTIVES)} {d.pick(w.PLURALS)}"))
        return _owned(d, kind, about, plural=True)
    count = d.pick(w.NUMBER_WORDS)
    short = f"a {d.pick(('set', 'pack', 'box'))} of {count} {d.pick(w.PLURALS)}"
    return _owned(d, short, about) if d.chance(0.5) else Phrase(short, short, False)


_ACTS = ("a visit of the {job}", "a missed {act}", "a late {act}", "each further {span}", "the first {span}",
         "the {act} of {part}", "the {act} of {part}", "the {adj} {act}", "an extra {act}", "the {svc}", "the {act} by {way}",
         "the {act} to the {place}", "the {act} on {day}", "the course for {who}", "the tour of the {place}", "each {act} for {who}",
         "the {field} course", "the {field} {act}", "the {act} for {who}", "a second {act}", "the {who2} meeting")
_HEADED_ACTS = tuple(t for t in _ACTS if "{act}" in t)
_DEEDS = ("repair", "check", "delivery", "payment", "order", "lesson", "appointment", "test", "return", "update",
          "cleaning", "training", "visit", "booking", "rental", "move", "loan", "trial", "transport", "call", "exchange",
          "registration", "collection", "inspection", "service", "opening", "sale", "meeting", "workshop", "copy")


def _act(d, about, head=None):
    template = d.pick(_HEADED_ACTS if head else _ACTS)
    part = f"the {d.pick(w.PARTS)}" if d.chance(0.6) else about
    text = template.format(
        job=d.pick(w.JOBS), act=head or d.pick(_DEEDS), span=d.pick(("hour", "half hour", "day", "week", "month", "mile", "person")),
        part=part, adj=d.pick(w.ADJECTIVES), svc=d.pick(w.SERVICES), way=d.pick(("post", "train", "ship", "night", "phone")),
        place=d.pick(w.PLACES), day=d.pick(w.DAYS), who=d.pick(w.ITEMS_POLICY), who2=d.pick(w.JOBS), field=d.pick(w.FIELDS))
    if about not in text and d.chance(0.2):
        return _owned(d, text, about)
    return Phrase(text, text, False)


_SUMS = ("the deposit for {x}", "the fee for {x}", "the fine for {x}", "the tax on {x}", "the reward for {x}",
         "the rent for {x}", "the extra charge for {x}", "the discount on {x}", "the insurance of {x}")


def _sum(d, about):
    inner = _item(d, about) if d.chance(0.5) else _act(d, about)
    template = d.pick(_SUMS)
    return Phrase(template.format(x=inner.full), template.format(x=inner.short), False)


def _post(d, about):
    x = d.random()
    if x < 0.5:
        return _same(f"the {d.pick(w.FIELDS)} {d.pick(w.ROLES)}")
    if x < 0.75:
        return _same(f"the {d.pick(w.ADJECTIVES) if d.chance(0.3) else d.pick(w.FIELDS)} {d.pick(w.JOBS)}")
    return _owned(d, f"the {d.pick(('maker', 'owner', 'keeper', 'designer', 'tester', 'seller', 'inventor'))}", about)


def _team(d, about):
    return _same(f"the {d.pick(w.FIELDS)} {d.pick(w.TEAMS)}" if d.chance(0.7) else f"the {d.pick(w.DEPARTMENTS)}")


def _place(d, about):
    x = d.random()
    if x < 0.35:
        return _same(f"the {d.pick(w.ADJECTIVES)} {d.pick(w.PLACES)}")
    if x < 0.7:
        return _same(f"the {d.pick(w.FIELDS)} {d.pick(('room', 'hall', 'centre', 'store', 'office', 'school', 'shop', 'factory'))}")
    return _same(f"the {d.name()} {d.pick(w.PLACES)}")


def _fault(d, about):
    """A clause; the page may leave the subject out of it."""
    text = values.fault(d)
    if d.chance(0.5):
        return Phrase(text, text, False)
    part = d.pick(w.PARTS)
    state = d.pick(w.FAULTS)
    return Phrase(f"the {part} of {about} {state}", f"the {part} {state}", False)


def _sign(d, about):
    x = d.random()
    if x < 0.5:
        return _same(values.code(d) if d.chance(0.5) else f"the code {values.code(d)}")
    if x < 0.8:
        return _same(f"a {values.colour(d)} {d.pick(('light', 'ring', 'lamp', 'point', 'bar', 'flag'))}")
    return _same(f"a {d.pick(('long', 'short', 'loud', 'low', 'high'))} {d.pick(('beep', 'tone', 'hum', 'click', 'ring'))}")


def _same(text):
    return Phrase(text, text, False)


_CLASSES = {"item": _item, "act": _act, "sum": _sum, "post": _post, "team": _team, "place": _place, "fault": _fault,
            "sign": _sign}
_SHARES = (("item", 0.42), ("act", 0.64), ("sum", 0.7), ("post", 0.78), ("team", 0.84), ("place", 0.9), ("fault", 0.95),
           ("sign", 1.0))

# ---- sentences

_ADJUNCTS = (("for adults", "for children"), ("in winter", "in summer"), ("on working days", "at the weekend"),
             ("with the case", "without the case"), ("inside the house", "outside the house"), ("by day", "at night"),
             ("for members", "for guests"), ("in the first year", "after the first year"), ("in the city", "in the country"),
             ("for one person", "for two people"), ("with a card", "without a card"), ("on the ground floor", "in the cellar"),
             ("for schools", "for companies"), ("a month", "a year"), ("for each home", "for each office"))
_AGREEMENT = ({"{s}": "s", "{es}": "es", "{is}": "is", "{was}": "was", "{has}": "has", "{does}": "does", "{Is}": "Is"},
              {"{s}": "", "{es}": "", "{is}": "are", "{was}": "were", "{has}": "have", "{does}": "do", "{Is}": "Are"})


def _worded(template, phrase, plural):
    for mark, form in _AGREEMENT[plural].items():
        template = template.replace(mark, form)
    text = template.replace("{p}", phrase)
    return text[0].upper() + text[1:]


def _statement(d, predicate, phrase, value, named):
    """One statement; None if it would open with a small value."""
    form = d.pick(predicate.statements)
    if form.startswith("{v}") and value[0].islower():
        return None
    return _worded(form, phrase.full if named else phrase.short, phrase.plural).replace("{v}", value)


def _contrast(d, predicate, phrase, named):
    """Two values under two conditions, in one sentence or in two: "costs 5 euros by day and 9 euros at night"."""
    first, second = d.shuffle(list(d.pick(_ADJUNCTS)))
    forms = [s for s in predicate.statements if s.endswith("{v}.") and not s.startswith("{v}")]
    if not forms:
        return []
    make = values.VALUES[predicate.value]
    one, two = make(d), make(d)
    if one == two:
        return []
    form = _worded(d.pick(forms), phrase.full if named else phrase.short, phrase.plural)[:-4]
    text = f"{form}{one} {first} {d.pick(('and', 'but'))} {two} {second}."
    return [Told(phrase, predicate, " " + first, one, text), Told(phrase, predicate, " " + second, two, "")]


def _again(told, phrase):
    """The sentence with a pronoun for its opening noun phrase, if it opens with one."""
    for name in (phrase.full, phrase.short):
        opening = name[0].upper() + name[1:] + " "
        if told.startswith(opening):
            return ("They " if phrase.plural else "It ") + told[len(opening):]
    return told


def _join(first, second):
    """"It costs 5 euros." and "It weighs 2 kg." as one sentence; None where they do not open alike."""
    for pronoun in ("It ", "They "):
        if second.startswith(pronoun):
            return f"{first[:-1]} and {second[len(pronoun):]}"
    return None


def _phrases(d, about):
    """What a page speaks of: (class, phrase), mostly of one class and often of one head with other modifiers."""
    kind = d.weighted(_SHARES)
    out = []
    heads = {"item": d.pick(w.PARTS), "act": d.pick(_DEEDS)}
    for _ in range(d.between(1, 4)):
        own = kind if d.chance(0.75) else d.weighted(_SHARES)
        phrase = _CLASSES[own](d, about, heads[own]) if own in heads and d.chance(0.4) else _CLASSES[own](d, about)
        if all(phrase.short != other.short for _, other in out):
            out.append((own, phrase))
    return out


_INTROS = ("{S} is a {adj} {dev} for the {room}.", "{S} comes with a {part} and a {part2}.", "{S} was made for {who}.",
           "Many {who} use {s} in the {room}.", "This page is about {s}.", "{S} needs little care.", "{S} has a {part}.",
           "{S} is the {adj} model of the house.", "Here is what {who} should know about {s}.")


def _intro(d, about):
    text = d.pick(_INTROS).format(S=about[0].upper() + about[1:], s=about, adj=d.pick(w.ADJECTIVES), dev=d.pick(w.DEVICES),
                                  room=d.pick(w.ROOMS), part=d.pick(w.PARTS), part2=d.pick(w.PARTS), who=d.pick(w.ITEMS_POLICY))
    return text.replace(" a a", " an a").replace(" a e", " an e").replace(" a i", " an i").replace(" a o", " an o")


def _told(d, about, count):
    """`count` facts or a few more of one page, in order; one sentence may hold two."""
    phrases = _phrases(d, about)
    favourites = {kind: d.sample(rows, 2) for kind, rows in predicates().items()}
    told, known = [], set()
    for _ in range(count * 2):
        kind, phrase = d.pick(phrases)
        if told and d.chance(0.25):  # go on with the last one
            phrase, kind = told[-1][1], told[-1][0]
        predicate = d.pick(favourites[kind]) if d.chance(0.6) else d.pick(predicates()[kind])
        if (phrase.short, predicate.group) in known:
            continue
        known.add((phrase.short, predicate.group))
        named = phrase.full != phrase.short and d.chance(0.35)
        facts = _contrast(d, predicate, phrase, named) if kind in ("item", "act") and d.chance(0.15) else []
        if not facts:
            value = values.VALUES[predicate.value](d)
            sentence = _statement(d, predicate, phrase, value, named)
            facts = [Told(phrase, predicate, "", value, sentence)] if sentence else []
        told += [(kind, phrase, fact) for fact in facts]
        if len(told) >= count:
            break
    return told


def _text(d, about, told, fillers):
    sentences = [_intro(d, about)] if d.chance(0.35) else []
    before = None
    for _, _, fact in told:
        if not fact.sentence:
            continue
        sentence = fact.sentence
        if before and before.phrase == fact.phrase and d.chance(0.6):
            sentence = _again(sentence, fact.phrase)
            joined = sentences[-1].endswith(before.value + ".") and d.chance(0.4) and _join(sentences[-1], sentence)
            if joined:
                sentences[-1], before = joined, fact
                continue
        sentences.append(vary(d, sentence) if not fact.adjunct else sentence)
        before = fact
    if d.chance(0.2):
        sentences.insert(d.between(0, len(sentences)), d.pick(fillers))
    text = " ".join(sentences)
    if d.chance(0.3):
        title = about[4:] if d.chance(0.5) else about
        text = f"{title[0].upper()}{title[1:]}: {text}"
    return text


def passages(d, count, fillers):
    """(passages, asked, absent): see contexts.Context."""
    per = d.between(2, 5) if count < 3 else d.between(1, 4) if count == 3 else d.between(1, 3)
    about, pages = [], []
    while len(pages) < count:
        name = subject(d) if not about or d.chance(0.8) else about[-1]
        about.append(name)
        pages.append(_told(d, name, per))
    owners = {}
    for name, told in zip(about, pages):
        for _, phrase, _ in told:
            owners.setdefault(phrase.short, set()).add(name)
    texts, asked, absent = [], [], []
    for index, (name, told) in enumerate(zip(about, pages)):
        texts.append(_text(d, name, told, fillers))
        for kind, phrase, fact in told:
            alone = len(owners[phrase.short]) == 1
            asked.append((_question(d, fact.predicate, phrase, fact.adjunct, alone), fact.value, index,
                          (phrase.short if alone else phrase.full, fact.predicate.group, fact.adjunct)))
            other = d.pick(predicates()[kind])
            absent.append((_question(d, other, phrase, "", alone), None, (phrase.short if alone else phrase.full, other.group)))
            stranger = _CLASSES[kind](d, name)
            if stranger.short not in owners:
                absent.append((_question(d, fact.predicate, stranger, "", True), None, (stranger.short, fact.predicate.group)))
    told_keys = {key[:2] for *_, key in asked}
    return texts, asked, [(q, (*key, "")) for q, _, key in absent if key not in told_keys]


def _question(d, predicate, phrase, adjunct, alone):
    text = phrase.short if alone and d.chance(0.45) else phrase.full
    return _worded(d.pick(predicate.questions), text, phrase.plural)[:-1] + adjunct + "?"
