"""What every skill returns, and the limit on its length."""
from collections import namedtuple

# messages: list of (role, content), or None when `text` is plain text; trace: list of Trace for the checks.
Episode = namedtuple("Episode", "skill messages text trace")
# One supervised answer that must stand in `source` to the letter (source None: it must be "unknown").
Trace = namedtuple("Trace", "answer source")

MAX_CHARACTERS = 1250   # some 480 tokens at the densest (codes and invented words)
UNKNOWN = "unknown"


def size(messages):
    return sum(len(content) + 12 for _, content in messages)


def chat(skill, messages, trace=()):
    return Episode(skill, messages, None, list(trace))


def plain(skill, text):
    return Episode(skill, None, text, [])


def row(episode):
    """The JSON row of an episode."""
    if episode.messages is None:
        return {"text": episode.text, "skill": episode.skill}
    return {"messages": [{"role": r, "content": c} for r, c in episode.messages], "skill": episode.skill}
