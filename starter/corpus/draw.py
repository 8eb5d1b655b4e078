"""Seeded drawing: every random choice of the corpus goes through one Draw, so a seed fixes the text.

A Draw also owns the invented vocabulary.  Invented words are made of random syllables and split by a
checksum: one word in sixteen belongs to the held-out side and never appears in training text (and the
reverse), so held-out episodes test copying and reading of words the model has never seen.
"""
import random
from functools import lru_cache
from zlib import crc32

_ONSETS = ("b c d f g h j k l m n p r s t v w y z br cr dr fl gr kl pl pr sh sk sl st th tr ch "
           "sp sn gl bl").split()
_VOWELS = "a e i o u a e i o ai ea ee io oa ou".split()
_CODAS = ["", "", "", "", ""] + "n r l s m t k d x nd rt sk lm".split()
# Words in the manner of family names and places ("Hartwick"): other letters, double consonants, real endings.
_STEMS = ("hart bram fair cal ash wel thorn whit black wick quar pem har ben dun fen gal lind mar nor or ox pad quin rad "
          "red sher sud tam ul van wal west win yar york burn cob crom dev eg ell far gar hal ham hol in kel kings lang lock "
          "mel mid new old pen pres rams roth rush sel sey stan staf sut swan thur tor up wake wex wood wrex zim phil chal "
          "rup cas al bel cor dom el fel gid hor is jos lam mir nath osw per rem sid theo urs viv xan yv").split()
_LINKS = ["", "", "", "", "", "", "l", "er", "ing", "s", "le", "a", "o", "i", "en", "t"]
_ENDINGS = ("wick bury stone ley worth combe shaw croft by ham ton field ford man mond ling gate hurst more sey thorpe well "
            "wood yard sett dale den don ers son mann stein ski ova elli etti ault aux ez escu oglu ani awa imoto vic ack "
            "ough augh eux quist gren holm borg berg mayer hofer endorf inger lund strom nen").split()
_POOL_SIZE = 64000
_HELDOUT_SHARE = 16

# Words that only the example data may use (examples/helpdesk); the test suite compares the two in full.
RESERVED = frozenset("wrenfold tidewell amber otter maple quill cobalt fern zinc".split())


def is_heldout(word):
    """Which side of the split an invented word is on."""
    return crc32(word.lower().encode()) % _HELDOUT_SHARE == 0


@lru_cache(maxsize=None)
def _pool(heldout):
    rng = random.Random(20417)
    words = set()
    size = _POOL_SIZE // 8 if heldout else _POOL_SIZE
    ordered = []
    while len(ordered) < size:
        if rng.random() < 0.4:
            word = rng.choice(_STEMS) + rng.choice(_LINKS) + rng.choice(_ENDINGS)
        else:
            count = rng.choice((1, 2, 2, 2, 2, 2, 3))
            word = "".join(rng.choice(_ONSETS) + rng.choice(_VOWELS) + rng.choice(_CODAS) for _ in range(count))
        if 4 <= len(word) <= 11 and word not in words and word not in RESERVED and is_heldout(word) == heldout:
            words.add(word)
            ordered.append(word)
    return tuple(ordered)


class Draw:
    """Random choices for one shard of the corpus.  Not thread-safe: one Draw a process."""

    def __init__(self, seed, heldout=False):
        self._rng = random.Random(seed)
        self.random = self._rng.random
        self.heldout = heldout
        self._words = _pool(heldout)
        self._capitals = tuple(w.capitalize() for w in self._words)

    def pick(self, items):
        return items[int(self.random() * len(items))]

    def chance(self, p):
        return self.random() < p

    def between(self, low, high):
        """A whole number from low to high, both included."""
        return low + int(self.random() * (high - low + 1))

    def sample(self, items, count):
        """`count` different places of `items` (equal items may repeat)."""
        size = len(items)
        if count * 3 > size:
            return self._rng.sample(items, min(count, size))
        seen, out = set(), []
        while len(out) < count:
            i = int(self.random() * size)
            if i not in seen:
                seen.add(i)
                out.append(items[i])
        return out

    def shuffle(self, items):
        random_ = self.random
        for i in range(len(items) - 1, 0, -1):
            j = int(random_() * (i + 1))
            items[i], items[j] = items[j], items[i]
        return items

    def weighted(self, pairs):
        """An item of (item, cumulative share) pairs; the last share is 1."""
        x = self.random()
        for item, share in pairs:
            if x < share:
                return item
        return pairs[-1][0]

    def word(self):
        """An invented word in small letters."""
        return self.pick(self._words)

    def name(self):
        """An invented word with a capital."""
        return self.pick(self._capitals)

    def code_number(self, low, high):
        """A number for codes: those ending in 7 are kept for the held-out side."""
        number = self.between(low, high)
        if self.heldout:
            return number - number % 10 + 7
        return number - 1 if number % 10 == 7 else number
