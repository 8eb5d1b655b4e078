"""lathe embed and encoders in the store, against the oracle's states and vectors (tools/make_encoder_oracle.py)."""
import base64
import json
import shutil
import struct
import tempfile
import unittest
from pathlib import Path

from inspect_test import read_safetensors
from lathe_process import SOURCE, lathe
from program import Home, Server

ENCODERS = SOURCE / "testdata" / "encoders"
GOLDEN = SOURCE / "testdata" / "goldens" / "bert"


class EncoderTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def lathe(self, *arguments, check=True):
        return lathe(*arguments, home=self.folder / "home", check=check)

    def embed(self, *arguments):
        return [json.loads(line) for line in self.lathe("embed", *arguments, "--json").stdout.splitlines()]

    def fails(self, *arguments):
        done = self.lathe(*arguments, check=False)
        self.assertEqual(done.returncode, 1, done.stdout)
        return done.stderr

    def copy(self, name):
        return Path(shutil.copytree(ENCODERS / name, self.folder / name))

    def assert_near(self, got, want):
        self.assertEqual(len(got), len(want))
        self.assertLess(max(abs(a - b) for a, b in zip(got, want)), 1e-4)


class States(EncoderTest):
    def test_states_are_the_goldens(self):
        golden = read_safetensors(GOLDEN / "golden.safetensors")
        out = self.folder / "hidden.safetensors"
        for k in range(3):
            ids = ",".join(map(str, golden[f"ids_{k}"][1]))
            self.lathe("inspect", "logits", GOLDEN, "--ids", ids, "--out", out)
            shape, got = read_safetensors(out)["hidden"]
            want_shape, want = golden[f"hidden_{k}"]
            self.assertEqual(shape, want_shape)
            self.assert_near(got, want)

    def test_too_many_ids_are_refused(self):
        ids = ",".join(["5"] * 65)
        self.assertIn("65 tokens", self.fails("inspect", "logits", GOLDEN, "--ids", ids, "--out", self.folder / "x"))

    def test_its_activations_are_f32(self):
        self.assertIn("--activations", self.fails("inspect", "logits", GOLDEN, "--ids", "5", "--activations", "engine",
                                                  "--out", self.folder / "x"))


class Embeddings(EncoderTest):
    def test_vectors_are_the_oracles(self):
        for name in ("bert-mean", "bert-cls-relu", "distilbert", "roberta-texts", "xlm-roberta-texts"):
            self.assert_oracles(name, ENCODERS / name, self.rows(name))

    def test_vectors_of_gguf_files_are_the_oracles(self):
        for name in ("bert-mean", "roberta-texts", "xlm-roberta-texts"):
            # A GGUF file has no limit of its own for texts: those that were cut are left out.
            rows = [row for row in self.rows(name) if len(row["ids"]) < 24]
            self.assertGreater(len(rows), 5)
            self.assert_oracles(f"{name}, gguf", ENCODERS / name / "model.gguf", rows)

    def rows(self, name):
        return [json.loads(line) for line in (ENCODERS / name / "embeddings.jsonl").read_text().splitlines()]

    def assert_oracles(self, name, model, rows):
        source = self.folder / "rows.jsonl"
        source.write_text("".join(json.dumps({"text": row["text"]}) + "\n" for row in rows))
        got = self.embed(model, "--jsonl", source, "--truncate")
        self.assertEqual(len(got), len(rows))
        for i, (have, want) in enumerate(zip(got, rows)):
            with self.subTest(name, text=want["text"]):
                self.assertEqual((have["index"], have["tokens"]), (i, len(want["ids"])))
                self.assert_near(have["embedding"], want["embedding"])

    def test_a_text_alone_has_the_same_digits(self):
        together = self.embed(ENCODERS / "bert-mean", "hello world", "The cat sat on the mat.")
        alone = self.embed(ENCODERS / "bert-mean", "The cat sat on the mat.")
        self.assertEqual(together[1]["embedding"], alone[0]["embedding"])

    def test_a_text_that_is_too_long_is_an_error_with_both_lengths(self):
        error = self.fails("embed", ENCODERS / "bert-mean", "ok", "the " * 40)
        for part in ("42 tokens", "24", "text 1", "--truncate"):
            self.assertIn(part, error)

    def test_pooling_must_be_said_by_somebody(self):
        model = self.copy("bert-mean")
        (model / "modules.json").unlink()
        self.assertIn("--pooling", self.fails("embed", model, "hello"))
        got = self.embed(model, "hello world", "--pooling", "mean", "--normalise", "yes")
        self.assert_near(got[0]["embedding"], self.embed(ENCODERS / "bert-mean", "hello world")[0]["embedding"])

    def test_an_unknown_module_is_named(self):
        model = self.copy("bert-mean")
        modules = json.loads((model / "modules.json").read_text())
        modules[2]["type"] = "sentence_transformers.models.Dense"
        (model / "modules.json").write_text(json.dumps(modules))
        self.assertIn("sentence_transformers.models.Dense", self.fails("embed", model, "hello"))

    def test_prompts_are_the_models(self):
        model = ENCODERS / "bert-cls-relu"
        self.assertEqual(self.embed(model, "hello", "--prompt", "query"), self.embed(model, "hello"))
        self.assertEqual(self.embed(model, "word: hello", "--prompt", "document"), self.embed(model, "hello"))
        self.assertIn("document, query", self.fails("embed", model, "hello", "--prompt", "passage"))


class Store(EncoderTest):
    def test_an_encoder_in_the_store(self):
        self.lathe("import", ENCODERS / "bert-mean", "--name", "mini")
        model = json.loads(self.lathe("models", "show", "mini", "--json").stdout)
        self.assertEqual((model["kind"], model["family"], model["context_length"]), ("encoder", "bert", 24))
        self.assertIn("encoder", self.lathe("models").stdout)
        self.assertEqual(self.embed("mini", "hello world"), self.embed(ENCODERS / "bert-mean", "hello world"))

    def test_an_encoder_does_not_generate(self):
        self.lathe("import", ENCODERS / "bert-mean", "--name", "mini")
        for arguments in (("run", "mini", "hello"), ("run", ENCODERS / "bert-mean", "hello")):
            error = self.fails(*arguments)
            self.assertIn("does not generate", error)
            self.assertIn("lathe embed", error)

    def test_a_model_that_generates_has_no_embeddings(self):
        self.assertIn("llama", self.fails("embed", SOURCE / "testdata" / "goldens" / "llama", "hello"))


class Endpoint(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.home = Home()
        cls.addClassCleanup(cls.home.remove)
        cls.home.run("import", ENCODERS / "bert-mean", "--name", "mini")
        cls.server = Server(cls.home)
        cls.addClassCleanup(cls.server.stop)

    def post(self, body):
        return self.server.request("POST", "/v1/embeddings", body)

    def test_vectors_are_those_of_the_command(self):
        texts = ["hello world", "The cat sat on the mat."]
        want = [json.loads(line) for line in self.home.run("embed", "mini", *texts, "--json").splitlines()]
        answer = self.post({"model": "mini", "input": texts})
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual([d["embedding"] for d in answer.json["data"]], [w["embedding"] for w in want])
        self.assertEqual(answer.json["usage"]["prompt_tokens"], sum(w["tokens"] for w in want))
        packed = self.post({"model": "mini", "input": "hello world", "encoding_format": "base64"}).json
        raw = base64.b64decode(packed["data"][0]["embedding"])
        self.assertEqual(raw, struct.pack(f"<{len(raw) // 4}f", *want[0]["embedding"]))

    def test_what_cannot_be_done_is_said(self):
        longer = self.post({"model": "mini", "input": ["ok", "the " * 40]})
        self.assertEqual((longer.status, longer.json["error"]["code"]), (400, "context_length_exceeded"))
        self.assertIn("42 tokens", longer.json["error"]["message"])
        self.assertEqual(self.post({"model": "nobody", "input": "a"}).status, 404)
        self.assertEqual(self.post({"model": "mini", "input": [[5, 99999]]}).status, 400)
        chat = self.server.chat("mini", "hi")
        self.assertEqual(chat.status, 400, chat.body)
        self.assertIn("does not generate", chat.json["error"]["message"])


if __name__ == "__main__":
    unittest.main()
