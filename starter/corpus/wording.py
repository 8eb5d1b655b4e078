"""Small changes of a told sentence that leave its fact and its value as they are.

They teach where a value ends ("at 7 pm unless you choose another time") and that a fact may stand anywhere in a
sentence.
"""

_TAILS = (" unless you choose otherwise", " in most cases", " without exception", ", as before", ", which is normal",
          " and nobody has complained so far", ", but that may change", " as long as nothing else was agreed",
          ", just like last year", " and not more", ", which many people forget", " if everything goes well",
          ", and that is enough", ", so please plan ahead", " according to the list", ", even if it rains",
          " and usually a little more is possible", " for the time being", ", at least for now", " on paper",
          ", so keep this page", " when things go well", ", and the rest is up to you", " unless the boss says no",
          ", which is rare", " and then everything is fine", ", not earlier and not later", ", whatever happens")
_HEADS = ("Please note that ", "In general, ", "As a rule, ", "At the moment, ", "We can tell you that ", "By the way, ",
          "It is known that ", "Normally, ", "For safety, ", "According to the book, ", "Do not forget that ",
          "As everyone knows, ", "Since last year, ", "If nothing else is said, ", "To be exact, ")
_OPENERS = frozenset("The A An It He She They His Her Its Their You We Each Every If When To In On At For Up After".split())


def vary(d, sentence, head=True):
    """The sentence, sometimes with a clause after its last word or, if `head` allows, before its first."""
    x = d.random()
    if x < 0.16:
        return sentence[:-1] + d.pick(_TAILS) + "." if sentence.endswith(".") else sentence
    if head and x < 0.26:
        first = sentence.split(" ", 1)[0]
        if first in _OPENERS:
            return d.pick(_HEADS) + sentence[0].lower() + sentence[1:]
    return sentence


def joined(d, sentences):
    """Sometimes two sentences as one, where the second opens with a pronoun."""
    out = []
    for sentence in sentences:
        first = sentence.split(" ", 1)[0]
        if out and first in ("It", "He", "She", "They") and out[-1].endswith(".") and d.chance(0.3):
            link = d.pick((" and ", ", and ", ", but ", "; "))
            out[-1] = out[-1][:-1] + link + sentence[0].lower() + sentence[1:]
        else:
            out.append(sentence)
    return out
