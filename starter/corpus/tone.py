"""Skill "tone": follow a system line on form, while answering from passages or chatting."""
from . import contexts, values
from . import words as w
from .episode import MAX_CHARACTERS, Trace, chat
from .fluency import small_talk
from .qa import number_passages, turns_of

SKILL = "tone"


def _closed(text):
    """With a full stop, unless it ends as a sentence already."""
    return _capital(text) if text[-1] in ".?!" else _capital(text) + "."


def _capital(text):
    return text[0].upper() + text[1:]


def _rule(d):
    """A system line and what it makes of a short answer."""
    x = d.random()
    a, b = d.pick(_OPENERS), d.pick(_CLOSERS)
    if d.chance(0.5):
        a, b = d.name(), d.name()
    if d.chance(0.2):
        a, b = f"{d.pick(w.ADJECTIVES).capitalize()} {d.pick(w.NOUNS)}", f"{d.pick(w.ADJECTIVES).capitalize()} {d.pick(w.NOUNS)}"
    if x < 0.24:
        return d.pick((f"Start with {a}.", f"Begin every answer with {a}.", f"Always say {a} first.", f"Start each answer with {a}."
                       )), lambda t: f"{a}. {_closed(t)}"
    if x < 0.42:
        return d.pick((f"End with {b}.", f"Close every answer with {b}.", f"Always end with {b}.")), lambda t: f"{_closed(t)} {b}."
    if x < 0.54:
        return d.pick(("Answer politely.", "Be polite.", "Be very polite to the customer.")), \
            lambda t: f"Certainly, the answer is {t}. Thank you for asking."
    if x < 0.62:
        return d.pick(("Answer in a friendly tone.", "Be friendly.", "Be warm and friendly.")), \
            lambda t: f"Good question! It is {t}. Have a nice day!"
    if x < 0.68:
        return d.pick(("Answer in quotes.", "Put every answer in quotes.")), lambda t: f'"{t}"'
    if x < 0.76:
        return d.pick(("Answer as a list.", "Write every answer as a list.")), lambda t: f"- {t}"
    if x < 0.84:
        return d.pick(("Answer in capital letters.", "Write in capital letters only.")), str.upper
    if x < 0.92:
        return d.pick(("Answer as JSON.", "Reply in JSON.")), lambda t: '{"answer": "' + t + '"}'
    name = d.name()
    return d.pick((f"Sign every answer with {name}.", f"Your name is {name}. Sign your answers.")), lambda t: f"{_closed(t)} - {name}"


_OPENERS = ("Hello", "Good day", "Dear customer", "Sure", "Thank you", "Of course", "Welcome", "Yes, gladly", "Hi there",
            "Good morning", "With pleasure", "Ahoy", "Listen", "Right")
_CLOSERS = ("Thank you", "Goodbye", "Have a nice day", "All the best", "Ask again any time", "Over and out", "See you soon",
            "Take care", "Kind regards", "That is all", "Good luck")


def _from_passages(d):
    system, form = _rule(d)
    while True:
        context = contexts.make(d, d.between(1, 3))
        if sum(map(len, context.passages)) < 700:
            break
    messages, trace = [("system", system)], []
    length = sum(map(len, context.passages)) + 80
    for asked, answer, passage in turns_of(d, context, d.between(2, 5)):
        length += len(asked) + len(answer) + 60
        if trace and length > MAX_CHARACTERS:
            break
        user = f"Question: {asked}" if trace else f"{number_passages(context.passages)}\n\nQuestion: {asked}"
        messages += [("user", user), ("assistant", form(answer))]
        trace.append(Trace(answer, passage))
    return chat(SKILL, messages, trace)


def _from_echo(d):
    """The plainest lesson: the rule put on the user's own word."""
    system, form = _rule(d)
    messages = [("system", system)]
    for _ in range(d.between(2, 5)):
        text = values.VALUES[d.pick(_ECHO_VALUES)](d)
        user = d.pick(("Repeat: {}", "What do I have? I have {}.", "Say {}", "The answer is {}. What is the answer?")).format(text)
        messages += [("user", user), ("assistant", form(text))]
    return chat(SKILL, messages)


_ECHO_VALUES = ("invented", "colour", "price", "duration", "time", "material", "food", "job", "small", "phrase", "place",
                "thing", "code", "town", "number")


def _sentences(d):
    """Whole-sentence answers: the sentence of the passage that holds the fact."""
    system = d.pick(("Answer in a full sentence.", "Answer with the whole sentence.", "Quote the sentence with the answer."))
    context = contexts.make(d, d.between(1, 2), style=contexts.events)
    messages, trace = [("system", system)], []
    seen = set()
    for asked, answer, index, _ in d.shuffle(list(context.asked)):
        passage = context.passages[index]
        sentence = next((s for s in passage.rstrip(".").split(". ") if answer in s and all(k in s for k in _keys(asked))), None)
        if sentence is None or asked in seen or len(messages) > 8:
            continue
        seen.add(asked)
        user = f"Question: {asked}" if trace else f"{number_passages(context.passages)}\n\nQuestion: {asked}"
        messages += [("user", user), ("assistant", sentence + ".")]
        trace.append(Trace(sentence, passage))
    return chat(SKILL, messages, trace) if trace else _sentences(d)


def _keys(asked):
    return [x for x in asked.rstrip("?").split(" ")[1:] if x[0].isupper()]


def _talk(d):
    system, form = _rule(d)
    messages = [("system", system)]
    for user, answer in small_talk(d, d.between(2, 4)):
        messages += [("user", user), ("assistant", form(answer))]
    return chat(SKILL, messages)


_KINDS = ((_from_passages, 0.5), (_from_echo, 0.72), (_sentences, 0.86), (_talk, 1.0))


_SCORED = ((_from_passages, 0.6), (_from_echo, 0.85), (_sentences, 1.0))  # one right answer each


def build(d, scored=False):
    return d.weighted(_SCORED if scored else _KINDS)(d)
