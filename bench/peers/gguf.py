"""Just enough of GGUF's header to say how much memory a model's keys and values need."""
import struct

from .failure import Failure

SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
STRING, ARRAY = 8, 9
F16_BYTES = 2
LONGEST_STRING = 1 << 24


class Header:
    """Keys of a file, read in their order and no further than the shape."""

    def __init__(self, file):
        self.file = file

    def scalar(self, code):
        size = struct.calcsize("<" + code)
        return struct.unpack("<" + code, self.file.read(size))[0]

    def string(self):
        length = self.scalar("Q")
        if length > LONGEST_STRING:
            raise Failure(f"{self.file.name}: a string of its header has {length} bytes")
        return self.file.read(length).decode(errors="replace")

    def value(self, kind):
        if kind == STRING:
            return self.string()
        if kind == ARRAY:
            element, count = self.scalar("I"), self.scalar("Q")
            return [self.value(element) for _ in range(count)]
        return self.scalar(SCALARS[kind])

    def keys(self):
        """Names, each with a function that reads its value and must be called before the next."""
        if self.file.read(4) != b"GGUF":
            raise Failure(f"{self.file.name} is no GGUF file")
        _version, _tensors, count = self.scalar("I"), self.scalar("Q"), self.scalar("Q")
        for _ in range(count):
            yield self.string(), lambda: self.value(self.scalar("I"))


def shape_of(path):
    """{"block_count": 16, …}: the architecture's keys without its name. The tokenizer's lists are not read where they
    come last, as they do in most files."""
    keys, architecture = {}, None
    try:
        with open(path, "rb") as file:
            for name, read in Header(file).keys():
                if name.startswith("tokenizer.") and keys:
                    break
                value = read()
                if name == "general.architecture":
                    architecture = value
                elif architecture and name.startswith(architecture + "."):
                    keys[name[len(architecture) + 1:]] = value
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}") from error
    except (struct.error, KeyError) as error:
        raise Failure(f"{path}: its header ends early or has an unknown type ({error})") from error
    return keys


def kv_bytes(shape, tokens):
    """Keys and values of so many tokens in f16."""
    try:
        heads = shape["attention.head_count"]
        kv_heads = shape.get("attention.head_count_kv", heads)
        head = shape.get("attention.key_length", shape["embedding_length"] // heads)
        return 2 * F16_BYTES * tokens * shape["block_count"] * kv_heads * head
    except KeyError as error:
        raise Failure(f"the file's header has no {error}") from error
