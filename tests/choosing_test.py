"""`lathe models recommend`: the catalogue, the wishes, the forecasts, and the user's own comparisons."""
import json
import time
import unittest

from lathe_process import write_rows
from program import StoreTest

KNOWN = "HuggingFaceTB/SmolLM2-135M-Instruct"


class Recommend(StoreTest):
    def recommend(self, *arguments):
        return self.home.json("models", "recommend", *arguments)

    def test_wishes_are_held(self):
        found = self.recommend("--task", "summarize", "--language", "de", "--memory", "8GB", "--license", "permissive")
        self.assertTrue(found["models"])
        for model in found["models"]:
            forecast = model["forecast"]
            self.assertLessEqual(forecast["weight_bytes"] + forecast["cache_bytes"], 8e9)
            self.assertIn("de", model["languages"])
            self.assertIn("summarize", model["tasks"])
            self.assertIn(model["license"], ["apache-2.0", "mit"])
            self.assertGreater(forecast["decode_tokens_per_second"], 0)
            for benchmark in model["benchmarks"]:
                self.assertTrue(benchmark["source"])
        self.assertTrue(found["reasons"])
        self.assertRegex(found["as_of"], r"^\d{4}-\d{2}-\d{2}$")
        text = self.home.run("models", "recommend", "--task", "search", "--count", 3)
        self.assertIn("forecast", text)
        self.assertIn("lathe pull ", text)

    def test_the_machine_is_measured_once(self):
        first = self.recommend("--task", "search", "--memory", "1GB")["machine"]
        kept = json.loads((self.home.path / "machine.json").read_text())
        self.assertEqual(first["bytes_per_second"], kept["bytes_per_second"])
        start = time.monotonic()
        self.assertEqual(self.recommend("--task", "generate", "--memory", "1GB")["machine"], first)
        self.assertLess(time.monotonic() - start, 5)

    def test_what_no_model_has_is_named(self):
        self.assertIn("summarize", self.assert_fails("models", "recommend", "--task", "sing"))
        self.assertIn("choose one of", self.assert_fails("models", "recommend", "--task", "search", "--language", "xx"))
        self.assertIn("apache-2.0", self.assert_fails("models", "recommend", "--task", "search", "--license", "none"))
        self.assertIn("8GB", self.assert_fails("models", "recommend", "--task", "search", "--memory", "much"))
        self.assert_fails("models", "recommend", code=2)
        self.assertEqual(self.recommend("--task", "generate", "--memory", "1MB")["models"], [])

    def test_own_comparisons_come_first(self):
        self.home.run("import", self.model, "--name", KNOWN)
        rows = self.home.folder / "rows.jsonl"
        held_out = self.home.folder / "held-out.jsonl"
        write_rows(rows, 10)
        write_rows(held_out, 5, seed=2)
        self.home.run("compare", KNOWN, rows, "--test", held_out, "--ways", "zero-shot")
        first = self.recommend("--task", "generate", "--memory", "100GB")["models"][0]
        self.assertEqual(first["repository"], KNOWN)
        own = first["comparisons"][0]
        self.assertEqual((own["data"], own["rows"], own["way"]), ("held-out.jsonl", 5, "zero-shot"))
        self.assertTrue(0 <= own["interval"][0] <= own["accuracy"] <= own["interval"][1] <= 1)


if __name__ == "__main__":
    unittest.main()
