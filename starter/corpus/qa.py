"""Skill "passages": read one to five passages, answer from the right one, or say "unknown"."""
from . import contexts
from .episode import MAX_CHARACTERS, UNKNOWN, Trace, chat

SKILL = "passages"
_SYSTEM = (
    "Answer the question from the passages.", "Answer from the passages. If none of them has the answer, say unknown.",
    "Use only the passages.", "Read the passages and give a short answer.", "You are a helpful assistant.",
    "Answer with the words of the passage.", "Give short answers. Say unknown if you do not know.",
    "Answer the customer's question from the documents.", "Answer briefly from the text below.",
    "Only say what the passages say.")
_LEADS = ("", "", "", "", "", "", "", "", "", "", "Please tell me: ", "Hello, ", "I would like to know: ", "Hi! ",
          "One more question: ", "Excuse me, ")
_ENDS = (" exactly?", ", please?", " at the moment?", " normally?", " as a rule?", " now?", " with you?", " these days?")


def question(d, text):
    lead = d.pick(_LEADS)
    if text.endswith("?") and d.chance(0.06):
        text = text[:-1] + d.pick(_ENDS)
    if lead.endswith(", "):
        return lead + text[0].lower() + text[1:] if not text[1:2].isupper() and text.split(" ")[0] in _STARTS else text
    return lead + text


_STARTS = frozenset("What When Where Who How Which Why To Whose At On In Can From By Until Since".split())


def number_passages(passages):
    """The fixed form of Lathe's retrieval prompting."""
    return "\n".join(f"[{i}] {p}" for i, p in enumerate(passages, 1))


def prompt(d, passages, asked):
    if d.chance(0.9):
        return f"{number_passages(passages)}\n\nQuestion: {asked}"
    x = d.random()
    text = "\n".join(passages)
    if x < 0.4:
        return f"{text}\n\nQuestion: {asked}"
    if x < 0.7:
        return f"Text: {text}\n{asked}"
    return f"Read this:\n{text}\n\n{asked}"


def turns_of(d, context, limit):
    """Up to `limit` (question, answer, passage or None): about one in fifteen is unknown, no question twice."""
    rows = [(q, a, context.passages[i]) for q, a, i, _ in context.asked]
    d.shuffle(rows)
    rows = rows[:limit]
    absent = d.shuffle(list(context.absent))
    for place in range(len(rows)):
        if absent and d.chance(0.06):
            rows[place] = (absent.pop(), UNKNOWN, None)
    return rows


def no_passages(d):
    """Questions without any passage: a model that knows no facts must say so."""
    messages = [("system", d.pick(_SYSTEM))] if d.chance(0.3) else []
    trace = []
    context = contexts.make(d, d.between(1, 2))
    for asked, *_ in d.sample(context.asked, d.between(1, 3)):
        asked = question(d, asked)
        messages += [("user", f"Question: {asked}" if d.chance(0.5) else asked), ("assistant", UNKNOWN)]
        trace.append(Trace(UNKNOWN, None))
    return chat(SKILL, messages, trace)


def build(d, count=None):
    if d.chance(0.015):
        return no_passages(d)
    while True:
        context = contexts.make(d, count)
        if sum(map(len, context.passages)) < MAX_CHARACTERS - 250:
            break
    messages = [("system", d.pick(_SYSTEM))] if d.chance(0.2) else []
    trace, length = [], sum(map(len, context.passages)) + 60
    for asked, answer, passage in turns_of(d, context, d.between(2, 7)):
        asked = question(d, asked)
        length += len(asked) + len(answer) + 34
        if trace and length > MAX_CHARACTERS:
            break
        user = f"Question: {asked}" if trace else prompt(d, context.passages, asked)
        messages += [("user", user), ("assistant", answer)]
        trace.append(Trace(answer, passage))
    return chat(SKILL, messages, trace)
