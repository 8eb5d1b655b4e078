"""Skill "classification": label the last message like the earlier ones; labels are re-drawn each episode."""
from functools import lru_cache
from pathlib import Path
from collections import namedtuple

from . import words as w
from .draw import RESERVED
from .episode import MAX_CHARACTERS, Trace, chat

SKILL = "classification"
Topic = namedtuple("Topic", "names words clauses")

_PLAIN = ("{}.", "{}.", "{}.", "{}!", "{}, please help.", "{}, what now?", "{}, thanks.", "{}, as I told you.",
          "{} and I am waiting.", "{}, so I am writing to you.")
_LEADS = ("Hello, ", "Hi, ", "Good morning, ", "Please note: ", "Sorry, but ", "To be honest, ", "Dear team, ", "Yesterday I saw that ",
          "My wife says ", "I think ", "It seems that ", "As you know, ", "Once again: ", "Just so you know, ", "Listen, ")
_SYSTEM = ("Classify each message. Labels: {}.", "Labels: {}.", "Answer with one label: {}.", "Choose one of: {}.",
           "Sort each message into one of these groups: {}.", "Which label fits? {}.", "Label the text with one of: {}.",
           "You sort messages. Reply with one of these labels only: {}.")
_SYSTEM_BARE = ("Classify each message.", "Sort the messages into groups.", "Answer with the label.", "Give the right label.",
                "Reply with the queue for the message.", "Which group does the message belong to?")
_USER = ("{}", "{}", "{}", "{}", "Text: {}", "Message: {}", '"{}"', "Customer: {}", "Text: {}\nLabel:")
_LETTERS = "ABCDEFGH"


@lru_cache(maxsize=None)
def topics():
    rows = []
    for line in (Path(__file__).parent / "topics.txt").read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        names, nouns, clauses = (p.strip() for p in line.split(" = "))
        rows.append(Topic(tuple(names.split(", ")), tuple(nouns.split(", ")), tuple(clauses.split(" / "))))
    return tuple(rows)


@lru_cache(maxsize=None)
def _label_words():
    simple = [x for x in w.NOUNS + w.COLOURS + w.MATERIALS + w.ANIMALS + w.FRUIT + w.ADJECTIVES + w.COMMON if " " not in x]
    return tuple(x for x in simple if x not in RESERVED)


def _labels(d, count):
    """Fresh labels of one fashion: words, invented words, hyphenated pairs, letters, numbered names."""
    x = d.random()
    out = []
    stem = d.word() if d.chance(0.5) else d.pick(_label_words())
    while len(out) < count:
        if x < 0.3:
            label = d.pick(_label_words())
        elif x < 0.5:
            label = d.word()
        elif x < 0.72:
            label = f"{d.pick(_label_words())}-{d.pick(_label_words()) if d.chance(0.6) else d.word()}"
        elif x < 0.8:
            label = f"{stem}-{d.pick(_label_words())}"
        elif x < 0.86:
            label = _LETTERS[len(out)]
        elif x < 0.93:
            label = f"{stem}-{len(out) + 1}"
        else:
            label = d.pick(_label_words()).upper()[:8]
        if label not in out:
            out.append(label)
    return d.shuffle(out)


def _message(d, clause):
    x = d.random()
    if x < 0.7:
        text = d.pick(_PLAIN).format(clause)
        return text[0].upper() + text[1:]
    return f"{d.pick(_LEADS)}{clause}."


def _topic_message(d, topic):
    text = _message(d, d.pick(topic.clauses).replace("{n}", d.pick(topic.words)))
    if d.chance(0.15):
        text += " " + _message(d, d.pick(topic.clauses).replace("{n}", d.pick(topic.words)))
    return text


_NEUTRAL = ("I have a question about the {n}", "please look at the {n}", "the {n} is here again", "tell me more about the {n}",
            "we talked about the {n}", "is the {n} ready", "the {n} was the reason", "nobody mentioned the {n}",
            "I saw the {n} this morning", "my friend asked about the {n}", "it all began with the {n}",
            "we have no {n} left", "what about the {n}", "the {n} cost a lot", "they forgot the {n}",
            "I am writing because of the {n}", "she looked for the {n} all day", "there is something with the {n}")


def _by_topic(d, count):
    """count classes, each a topic: functions that write a message of it."""
    chosen = d.sample(topics(), count)
    return [lambda t=t: _topic_message(d, t) for t in chosen]


def _by_keyword(d, count):
    """count classes, each a few key words in neutral sentences."""
    size = d.between(1, 2)
    invented = d.chance(0.4)
    keys = []
    while len(keys) < count * size:
        key = d.word() if invented else d.pick(w.NOUNS if d.chance(0.5) else w.COMMON)
        if key not in keys:
            keys.append(key)
    groups = [keys[i * size:(i + 1) * size] for i in range(count)]
    return [lambda g=g: _message(d, d.pick(_NEUTRAL).replace("{n}", d.pick(g))) for g in groups]


def _order(d, classes, shots):
    """Places of the examples: every class early, then a random order."""
    first = d.shuffle(list(range(classes)))
    rest = [d.between(0, classes - 1) for _ in range(shots - classes)]
    return first + rest


def _shots(d):
    count = d.between(2, 6) if d.chance(0.8) else d.between(2, 3)
    writers = _by_topic(d, count) if d.chance(0.72) else _by_keyword(d, count)
    labels = _labels(d, count)
    user = d.pick(_USER)
    messages = []
    x = d.random()
    if x < 0.4:
        messages.append(("system", d.pick(_SYSTEM).format(", ".join(d.shuffle(list(labels))))))
    elif x < 0.7:
        messages.append(("system", d.pick(_SYSTEM_BARE)))
    length, trace, seen = 40, [], set()
    for place, index in enumerate(_order(d, count, count + d.between(4, 12))):
        text, label = writers[index](), labels[index]
        length += len(text) + len(label) + 30
        if length > MAX_CHARACTERS - 270:
            break
        if text in seen:
            continue
        seen.add(text)
        messages += [("user", user.format(text)), ("assistant", label)]
        trace.append(Trace(label, label))
    while messages[-1][1] not in [c for r, c in messages[:-1] if r == "assistant"] and len(messages) > 4:
        messages, trace = messages[:-2], trace[:-1]
    return chat(SKILL, messages, trace)


def _evident(d):
    """No examples: the labels themselves say what belongs to them."""
    count = d.between(2, 6)
    if d.chance(0.65):
        chosen = d.sample(topics(), count)
        labels = [d.pick(t.names) if d.chance(0.7) else d.pick(t.words) for t in chosen]
        writers = [lambda t=t: _topic_message(d, t) for t in chosen]
    else:
        labels = []
        while len(labels) < count:
            label = d.word() if d.chance(0.4) else d.pick(w.NOUNS if d.chance(0.5) else w.COMMON)
            if label not in labels:
                labels.append(label)
        writers = [lambda t=t: _message(d, d.pick(_NEUTRAL).replace("{n}", t)) for t in labels]
    if len(set(labels)) < count:
        return _evident(d)
    messages = [("system", d.pick(_SYSTEM).format(", ".join(labels)))]
    user = d.pick(_USER)
    for _ in range(d.between(2, 6)):
        index = d.between(0, count - 1)
        messages += [("user", user.format(writers[index]())), ("assistant", labels[index])]
    return chat(SKILL, messages)


def build(d):
    return _shots(d) if d.chance(0.75) else _evident(d)
