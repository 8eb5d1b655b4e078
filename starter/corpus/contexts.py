"""Contexts to read: passages with the questions that they answer and questions that they do not.

A maker returns a Context: `passages` (text), `asked` as (question, answer, passage index, key) and `absent` as
(question, key): questions on the same matters that no passage answers.  Every answer stands in its passage to the
letter.  The key says what is asked, whatever the wording, so that `make` can drop what has two answers.
"""
from collections import namedtuple

from . import handbook
from . import pages
from . import relations as rel
from . import values
from . import words as w
from .wording import joined, vary

Context = namedtuple("Context", "passages asked absent")

FILLERS = (
    "It is popular with visitors.", "Please read this page with care.", "Many people know it well.",
    "Ask the staff if anything is not clear.", "This page is checked twice a year.", "We hope this helps.",
    "Nobody knows exactly why.", "The rest of the list follows below.", "It was a good choice.",
    "There is more to say about it.", "Some people do not agree.", "The same rule is used everywhere.",
    "Keep this page in a safe place.", "All of this was true last year as well.", "People often ask about this.",
    "You can read more in the next chapter.", "Thank you for your help.", "The weather was fine that day.",
    "Everyone was happy with the result.", "This is not a secret.", "It has always been like that.",
    "Please tell your friends about it.", "The pictures are on the last page.", "That may change one day.",
    "If in doubt, ask again.", "Further details are given at the desk.", "Most people find this useful.")


def _sentence(template, entity, value, pronoun):
    """One statement; with `pronoun`, a leading entity becomes its pronoun."""
    if pronoun:
        if template.startswith("{e}'s "):
            template = entity.possessive + template[5:]
        elif template.startswith("{e} "):
            template = entity.subject + template[3:]
    text = template.replace("{e}", entity.name).replace("{v}", value)
    return text[0].upper() + text[1:]


def _ask(question, entity):
    text = question.replace("{e}", entity.name)
    return text[0].upper() + text[1:]


def _pick_form(d, relation, value):
    """A statement and its questions; the value may open a sentence only if it has a capital or a digit."""
    for _ in range(4):
        statement, questions = d.pick(relation.forms)
        if not (statement.startswith("{v}") and value[0].islower()):
            return statement, questions
    for statement, questions in relation.forms:
        if not statement.startswith("{v}"):
            return statement, questions
    raise ValueError(f"every statement of {relation.group} opens with its value")


def _relation_pool(d, kind, count):
    """`count` relations of different groups, most of the kind, some plain or invented attributes."""
    table = rel.by_kind()
    own = table[kind]
    out, groups = [], set()
    for _ in range(count * 3):
        x = d.random()
        if x < 0.68 or kind == "group":
            relation = d.pick(own)
        elif x < 0.9:
            relation = d.pick(table["any"])
        else:
            relation = rel.invented_attribute(d)
        if relation.group not in groups:
            groups.add(relation.group)
            out.append(relation)
            if len(out) == count:
                break
    return out


def _distinct_entities(d, kind, count):
    make, out, seen = rel.ENTITIES[kind], [], set()
    while len(out) < count:
        entity = make(d)
        if entity.name not in seen:
            seen.add(entity.name)
            out.append(entity)
    return out


def _entity_passage(d, entity, told, titled):
    """told: list of (relation, value).  Returns the text and, for each fact, the questions it answers."""
    sentences, asked = [], []
    for place, (relation, value) in enumerate(told):
        statement, questions = _pick_form(d, relation, value)
        pronoun = (place > 0 or titled) and d.chance(0.55)
        sentence = _sentence(statement, entity, value, pronoun)
        sentences.append(vary(d, sentence, head=not sentence.startswith(entity.name)))
        asked.append(questions)
    sentences = joined(d, sentences)
    if d.chance(0.25):
        sentences.insert(d.between(1, len(sentences)), d.pick(FILLERS))
    text = " ".join(sentences)
    return (f"{entity.name[0].upper()}{entity.name[1:]}: {text}" if titled else text), asked


def _card(entity, told):
    """Facts as a short table: "The Kelvo lamp: price 12 euros, weight 2 kg." """
    facts = []
    for relation, value in told:
        facts.append(f"{rel.label_of(relation)}: {value}")
    return f"{entity.name[0].upper()}{entity.name[1:]}. " + ". ".join(f[0].upper() + f[1:] for f in facts) + "."


def entities(d, count):
    """`count` passages on entities of one kind that share attributes: each is the other's distractor."""
    kind = d.pick(rel.KINDS)
    facts = d.between(2, 6) if count < 3 else d.between(2, 5) if count == 3 else d.between(1, 3)
    pool = _relation_pool(d, kind, facts + d.between(0, 2))
    people = _distinct_entities(d, kind, count)
    passages, asked, absent, counts, told_by = [], [], [], {}, []
    card = d.chance(0.08) and all(rel.label_of(r) for r in pool)
    for index, entity in enumerate(people):
        told = [(r, r.value(d)) for r in d.sample(pool, min(facts, len(pool)))]
        told_by.append(told)
        for relation, value in told:
            key = (relation.group, value)
            counts[key] = counts.get(key, 0) + 1
        if card:
            passages.append(_card(entity, told))
            questions = [r.forms[0][1] for r, _ in told]
        else:
            text, questions = _entity_passage(d, entity, told, d.chance(0.25))
            passages.append(text)
        for (relation, value), forms in zip(told, questions):
            asked.append((_ask(d.pick(forms), entity), value, index, (relation.group, entity.name)))
    _ask_back(d, people, told_by, counts, asked)
    for entity, told in zip(people, told_by):
        known = {r.group for r, _ in told}
        for relation in pool:
            if relation.group not in known:
                absent.append((_ask(d.pick(d.pick(relation.forms)[1]), entity), (relation.group, entity.name)))
    stranger = rel.ENTITIES[kind](d)
    if all(stranger.name not in p for p in passages) and kind != "group":
        relation = d.pick(pool)
        absent.append((_ask(d.pick(d.pick(relation.forms)[1]), stranger), (relation.group, stranger.name)))
    return Context(passages, asked, absent)


def _ask_back(d, people, told_by, counts, asked):
    """Questions whose answer is the entity, where one entity alone has the value."""
    for index, (entity, told) in enumerate(zip(people, told_by)):
        if entity.name[0].islower():
            continue
        for relation, value in told:
            if relation.back and counts[(relation.group, value)] == 1 and d.chance(0.4):
                asked.append((d.pick(relation.back).replace("{v}", value), entity.name, index, (relation.group, value)))


_TIMES = ("on {weekday}", "at {time}", "in {month}", "in {year}", "on {date}", "before breakfast", "after dinner",
          "last week", "yesterday", "two days ago", "in the morning", "in the afternoon", "late at night",
          "during the storm", "after the concert", "before the race")


def _moment(d):
    """A time phrase as (phrase in the sentence, answer to "when")."""
    template = d.pick(_TIMES)
    if "{" not in template:
        return template, template
    name = template[template.index("{") + 1:-1]
    value = values.VALUES[name](d)
    return template.replace("{" + name + "}", value), value


def _event(d, person, verb, thing):
    """One sentence on one deed, and its questions."""
    past, base = verb
    if past.endswith(" away"):
        past, base = "tossed", "toss"
    asked = [(f"Who {past} {thing}?", person), (f"What did {person} {base}?", thing)]
    text = f"{person} {past} {thing}"
    x = d.random()
    if x < 0.55:
        where = values.place(d)
        preposition = d.pick(("in", "at", "near", "behind"))
        text += f" {preposition} {where}"
        asked.append((f"Where did {person} {base} {thing}?", where))
    if 0.35 < x < 0.85:
        phrase, answer = _moment(d)
        text = f"{text} {phrase}" if d.chance(0.7) else f"{phrase[0].upper()}{phrase[1:]}, {text}"
        if answer in text:
            asked.append((f"When did {person} {base} {thing}?", answer))
    if x > 0.9:
        reason = values.reason(d)
        text += f" because {reason}"
        asked.append((f"Why did {person} {base} {thing}?", reason))
    return text + ".", asked


def _gift(d, giver, taker, thing):
    past, base = d.pick((("gave", "give"), ("handed", "hand"), ("sent", "send"), ("sold", "sell"), ("lent", "lend"),
                         ("showed", "show"), ("promised", "promise"), ("brought", "bring")))
    asked = [(f"Who {past} {thing} to {taker}?", giver), (f"To whom did {giver} {base} {thing}?", taker),
             (f"What did {giver} {base} to {taker}?", thing), (f"Who got {thing} from {giver}?", taker)]
    return f"{giver} {past} {thing} to {taker}.", asked


def _object(d):
    x = d.random()
    if x < 0.5:
        return f"the {d.pick(w.ADJECTIVES) if d.chance(0.6) else d.pick(w.COLOURS)} {d.pick(w.NOUNS)}"
    if x < 0.8:
        return f"the {d.pick(w.NOUNS)}"
    return f"the {d.name()} {d.pick(w.NOUNS)}" if x < 0.9 else f"{d.pick(w.NUMBER_WORDS)} {d.pick(w.PLURALS)}"


def _distinct(d, make, count):
    out = []
    while len(out) < count:
        item = make(d)
        if item not in out:
            out.append(item)
    return out


def events(d, count):
    """Passages of small deeds: who did what to which thing, where, when and why."""
    per = d.between(1, 3) if count < 4 else d.between(1, 2)
    total = count * per
    people = _distinct(d, values.person, total + 2)
    things = _distinct(d, _object, total + 2)
    verbs = d.sample(w.VERBS_THING, total + 1)
    passages, asked = [], []
    number = 0
    for index in range(count):
        sentences = []
        for _ in range(per):
            if d.chance(0.2) and number + 1 < len(people) - 1:
                text, questions = _gift(d, people[number], people[-1], things[number])
            else:
                text, questions = _event(d, people[number], verbs[number], things[number])
            sentences.append(text)
            asked.extend((q, a, index, q) for q, a in questions)
            number += 1
        if d.chance(0.15):
            sentences.append(d.pick(FILLERS))
        passages.append(" ".join(sentences))
    verb, person, thing = verbs[total], people[total], things[total]
    absent = [f"Who {verb[0]} {thing}?", f"What did {person} {verb[1]}?", f"Where did {person} {verb[1]} {thing}?",
              f"When did {people[0]} {verb[1]} {thing}?"]
    return Context(passages, asked, [(q, q) for q in absent])


def _merge(d, parts):
    """Several contexts as one, passages in a new order."""
    passages, asked, absent = [], [], []
    for part in parts:
        base = len(passages)
        passages += part.passages
        asked += [(q, a, base + i, key) for q, a, i, key in part.asked]
        absent += part.absent
    order = d.shuffle(list(range(len(passages))))
    place = {old: new for new, old in enumerate(order)}
    return Context([passages[i] for i in order], [(q, a, place[i], key) for q, a, i, key in asked], absent)


_COUNTS = ((1, 0.3), (2, 0.55), (3, 0.8), (4, 0.9), (5, 1.0))


def house_rules(d, count):
    """Passages of a handbook (see handbook.py)."""
    return Context(*handbook.passages(d, count, FILLERS))


def maker_pages(d, count):
    """Passages on named things and their parts (see pages.py)."""
    return Context(*pages.passages(d, count, FILLERS))


def _settle(context):
    """Drops questions with two answers, and absent ones that a passage answers after all."""
    answers, twofold = {}, set()
    for question, answer, _, key in context.asked:
        for about in (key, question):
            if answers.setdefault(about, answer) != answer:
                twofold.add(about)
    if twofold:
        context = context._replace(asked=[r for r in context.asked if r[3] not in twofold and r[0] not in twofold])
    return context._replace(absent=[q for q, key in context.absent if key not in answers and q not in answers])


_MAKERS = ((entities, 0.25), (house_rules, 0.6), (maker_pages, 0.92), (events, 1.0))


def _drawn(d, count):
    if count == 1 or d.chance(0.75):
        return d.weighted(_MAKERS)(d, count)
    parts, left = [], count
    while left:
        size = d.between(1, min(2, left))
        left -= size
        parts.append(d.weighted(_MAKERS)(d, size))
    return _merge(d, parts)


def make(d, count=None, style=None):
    """A context of 1 to 5 passages (of one style if given), each question with one answer; `absent` holds questions alone."""
    count = count or d.weighted(_COUNTS)
    while True:
        context = _settle(style(d, count) if style else _drawn(d, count))
        if context.asked:
            return context
