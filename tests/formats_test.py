"""Models of each family from GGUF, to GGUF and to a Hugging Face folder: what they compute stays the same."""
import json
import tempfile
import unittest
from pathlib import Path

from inspect_test import read_safetensors
from lathe_process import SOURCE, lathe

GGUF = SOURCE / "testdata" / "gguf"


class Formats(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def lathe(self, *arguments, check=True):
        return lathe(*arguments, home=self.folder / "home", check=check)

    def logits(self, model, ids):
        out = self.folder / "logits.safetensors"
        self.lathe("inspect", "logits", model, "--ids", ",".join(map(str, ids)), "--out", out)
        return read_safetensors(out)["logits"][1]

    def test_the_way_through_each_format_changes_nothing(self):
        for name in ("gemma2", "gemma3", "falcon-40b", "gptneox", "gpt2", "phi3-longrope", "mixtral", "qwen3moe"):
            with self.subTest(name):
                golden = read_safetensors(GGUF / f"{name}.safetensors")
                ids, expected = golden["ids_2"][1], golden["logits_2"][1]
                model = GGUF / f"{name}.gguf"
                logits = self.logits(model, ids)
                self.assertLess(max(abs(a - b) for a, b in zip(logits, expected)), 1e-4)
                gguf, folder = self.folder / f"{name}.gguf", self.folder / name
                self.lathe("export", model, "--out", gguf)
                self.assertEqual(self.logits(gguf, ids), logits)
                self.lathe("export", gguf, "--format", "safetensors", "--out", folder)
                self.assertEqual(self.logits(folder, ids), logits)

    def test_quantised_experts_stay_quantised(self):
        ids = read_safetensors(GGUF / "mixtral-q4_0.safetensors")["ids_2"][1]
        out = self.folder / "x.gguf"
        self.lathe("export", GGUF / "mixtral-q4_0.gguf", "--out", out)
        self.assertEqual(self.logits(out, ids), self.logits(GGUF / "mixtral-q4_0.gguf", ids))
        self.assertLess(out.stat().st_size, 60_000)

    def test_a_model_in_parts_is_imported_whole(self):
        first = GGUF / "llama-parts-00001-of-00003.gguf"
        self.lathe("import", first, "--name", "parts")
        ids = read_safetensors(GGUF / "llama-parts.safetensors")["ids_2"][1]
        self.assertEqual(self.logits("parts", ids), self.logits(first, ids))
        done = self.lathe("import", GGUF / "llama-parts-00002-of-00003.gguf", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("llama-parts-00001-of-00003.gguf", done.stderr)

    def test_export_notes_what_llama_cpp_does_otherwise(self):
        done = self.lathe("export", GGUF / "phi3-longrope.gguf", "--out", self.folder / "x.gguf", "--json")
        self.assertIn("LongRoPE", json.loads(done.stdout)["llama_cpp_differences"][0])


if __name__ == "__main__":
    unittest.main()
