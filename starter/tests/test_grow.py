"""Checks of growing a model.  Run: python3 -m unittest discover -s starter/tests"""
import struct
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import grow  # noqa: E402


def floats(*numbers):
    return ("F32", [len(numbers)], struct.pack(f"<{len(numbers)}f", *numbers))


class Grow(unittest.TestCase):
    def model(self, layers):
        tensors = {"model.embed_tokens.weight": floats(9.0), "model.norm.weight": floats(1.0)}
        for layer in range(layers):
            for number, part in enumerate(("input_layernorm.weight", "self_attn.q_proj.weight", *grow.OUTPUTS)):
                tensors[f"model.layers.{layer}.{part}"] = floats(10.0 * layer + number + 1)
        return tensors

    def test_copies_are_silent_and_order_is_kept(self):
        grown = grow.grow(self.model(3), 3, [1])
        value = lambda name: struct.unpack("<f", grown[name][2])[0]  # noqa: E731
        self.assertEqual([value(f"model.layers.{n}.self_attn.q_proj.weight") for n in range(4)], [2, 12, 12, 22])
        self.assertEqual([value(f"model.layers.{n}.self_attn.o_proj.weight") for n in range(4)], [3, 13, 0, 23])
        self.assertEqual([value(f"model.layers.{n}.mlp.down_proj.weight") for n in range(4)], [4, 14, 0, 24])
        self.assertEqual(value("model.embed_tokens.weight"), 9)

    def test_files_come_back(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.safetensors"
            tensors = self.model(2)
            grow.write_safetensors(path, tensors)
            self.assertEqual(grow.read_safetensors(path), tensors)


if __name__ == "__main__":
    unittest.main()
