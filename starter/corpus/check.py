"""What must hold of every episode; a breach raises ValueError with the episode in it."""
from .episode import MAX_CHARACTERS, UNKNOWN

_ROLES = ("system", "user", "assistant")


def episode(e):
    """Checks one episode and returns how many traced answers it has."""
    if e.messages is None:
        if not 10 < len(e.text) <= MAX_CHARACTERS:
            raise ValueError(f"text of {len(e.text)} characters: {e.text!r}")
        return 0
    if len(e.messages) < 2 or e.messages[-1][0] != "assistant":
        raise ValueError(f"no answer at the end: {e.messages}")
    expected = "user"
    for place, (role, content) in enumerate(e.messages):
        if role not in _ROLES or not content.strip():
            raise ValueError(f"bad message {place}: {e.messages}")
        if role == "system" and place == 0:
            continue
        if role != expected:
            raise ValueError(f"{role} where {expected} should speak: {e.messages}")
        expected = "assistant" if role == "user" else "user"
    total = sum(len(c) + 6 for _, c in e.messages)
    if total > MAX_CHARACTERS + 250:
        raise ValueError(f"{total} characters: {e.messages}")
    for trace in e.trace:
        if trace.source is None and trace.answer != UNKNOWN:
            raise ValueError(f"an answer from nowhere, {trace.answer!r}: {e.messages}")
        if trace.source is not None and trace.answer not in trace.source:
            raise ValueError(f"answer {trace.answer!r} is not in {trace.source!r}")
    return len(e.trace)
