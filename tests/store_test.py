"""The local store by the command line: models, adaptations, knowledge bases, prompts, `run`."""
import json
import shutil
import signal
import subprocess
import time
import unittest

from lathe_process import SOURCE, write_rows
from program import StoreTest, make_long_model


class Models(StoreTest):
    def test_a_model_is_listed_and_shown(self):
        models = self.home.json("models")
        self.assertEqual([m["name"] for m in models], ["tiny"])
        shown = self.home.json("models", "show", "tiny")
        self.assertEqual(shown["family"], "llama")
        self.assertEqual(shown["context_length"], 32768)
        self.assertEqual(shown["quantization"], "f32")
        self.assertRegex(shown["fingerprint"], "^[0-9a-f]{16}$")
        self.assertRegex(shown["template_hash"], "^[0-9a-f]{16}$")
        header = (self.model / "model.safetensors").read_bytes()
        tensors = json.loads(header[8:8 + int.from_bytes(header[:8], "little")])
        tensors.pop("__metadata__", None)
        count = 0
        for tensor in tensors.values():
            size = 1
            for extent in tensor["shape"]:
                size *= extent
            count += size
        self.assertEqual(shown["parameters"], count)
        self.assertIn("tiny", self.home.run("models"))

    def test_a_folder_and_its_gguf_have_one_fingerprint(self):
        file = self.home.folder / "other.gguf"
        self.home.run("export", self.model, "--out", file)
        made = self.home.json("import", file)
        self.assertEqual(made["name"], "other")
        self.assertEqual(made["fingerprint"], self.home.json("models", "show", "tiny")["fingerprint"])
        self.assertEqual(self.home.run("run", "other", "Which colour?", "--max-tokens", 8),
                         self.home.run("run", "tiny", "Which colour?", "--max-tokens", 8))
        self.home.run("models", "rm", "other")
        self.assertFalse((self.home.path / "models" / "other").exists())
        self.assertIn("other", self.assert_fails("models", "show", "other"))

    def test_a_name_is_taken_once_and_checked(self):
        self.assertIn("already", self.assert_fails("import", self.model, "--name", "tiny"))
        self.assertIn("name", self.assert_fails("import", self.model, "--name", "../tiny"))
        self.assertIn("tiny", self.assert_fails("run", "tinny", "Hello"))  # did you mean

    def test_damage_is_named_and_leaves_nothing(self):
        broken = self.home.folder / "broken"
        shutil.copytree(self.model, broken)
        weights = broken / "model.safetensors"
        weights.write_bytes(weights.read_bytes()[:-100])
        self.assertIn("model.safetensors", self.assert_fails("import", broken))
        no_tokenizer = self.home.folder / "no-tokenizer"
        shutil.copytree(self.model, no_tokenizer)
        (no_tokenizer / "tokenizer.json").unlink()
        self.assertIn("tokenizer.json", self.assert_fails("import", no_tokenizer))
        self.assertEqual([m["name"] for m in self.home.json("models")], ["tiny"])
        left = {p.name for p in (self.home.path / "models").iterdir()}
        self.assertEqual(left - {".lock"}, {"tiny"})

    def test_usage_errors_are_2_and_help_has_examples(self):
        self.assert_fails("import", code=2)
        self.assert_fails("nonsense", code=2)
        for command in ["import", "models", "adaptations", "knowledge", "prompt", "run", "serve",
                        "deploy", "rollback", "undeploy", "ps", "logs"]:
            self.assertIn("example", self.home.run(command, "--help"), command)

    def test_what_a_killed_import_left_is_cleared_by_the_next(self):
        staged = self.home.path / "models" / ".staged-half"
        staged.mkdir()
        (staged / "config.json").write_text("{")
        orphan = self.home.path / "models" / "whole"  # killed before it was recorded
        shutil.copytree(self.model, orphan)
        (orphan / "stale").write_text("x")
        self.home.run("import", self.model, "--name", "whole")
        self.assertFalse(staged.exists())
        self.assertFalse((orphan / "stale").exists())
        self.home.run("run", "whole", "Hello", "--max-tokens", 2)
        self.home.run("models", "rm", "whole")

    def test_an_import_killed_at_any_moment_leaves_a_whole_model_or_none(self):
        started = time.monotonic()
        self.home.run("import", self.model, "--name", "timed")
        whole = time.monotonic() - started
        self.home.run("models", "rm", "timed")
        for part in range(1, 9):
            name = f"killed{part}"
            process = subprocess.Popen(self.home.command("import", self.model, "--name", name),
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(whole * part / 8)
            process.send_signal(signal.SIGKILL)
            process.wait()
            listed = name in [m["name"] for m in self.home.json("models")]
            if listed:
                self.home.run("run", name, "Hello", "--max-tokens", 2)
                self.home.run("models", "rm", name)
            else:  # the name is free, whatever lies there
                self.home.run("import", self.model, "--name", name)
                self.home.run("run", name, "Hello", "--max-tokens", 2)
                self.home.run("models", "rm", name)
        left = {p.name for p in (self.home.path / "models").iterdir()}
        self.assertEqual(left - {".lock"}, {"tiny"})


class Conversions(StoreTest):
    """Weights in other types on the way in and out, with the certificate of what that changed."""

    def test_a_quantised_import_says_what_it_did_and_answers(self):
        made = self.home.json("import", self.model, "--name", "small", "--quantize", "q8_0")
        self.assertEqual(made["quantization"], "q8_0")
        types = {(line["from"], line["to"]): line for line in made["details"]["conversion"]}
        self.assertEqual(types["f32", "q8_0"]["reason"], "asked for")
        self.assertLess(types["f32", "q8_0"]["bytes_after"], types["f32", "q8_0"]["bytes_before"] / 3)
        card = self.home.json("models", "show", "small")
        self.assertTrue(card["certified"])
        certificate = card["certificates"][-1]
        self.assertEqual(certificate["result_fingerprint"], card["fingerprint"])
        self.assertEqual(certificate["source_fingerprint"], self.home.json("models", "show", "tiny")["fingerprint"])
        self.assertGreater(certificate["tokens"], 500)
        self.assertGreaterEqual(certificate["mean_kl"], 0)
        self.assertLess(certificate["mean_kl"], 0.05)
        self.assertIn("KL divergence", self.home.run("models", "show", "small"))
        self.home.run("run", "small", "Hello", "--max-tokens", 2)
        self.home.run("models", "rm", "small")

    def test_rows_that_are_no_whole_blocks_are_counted(self):
        said = self.home.run("import", self.model, "--name", "small", "--quantize", "q4_k")
        self.assertIn("rows are no whole blocks of q4_k", said)
        self.home.run("models", "rm", "small")

    def test_exports_go_round(self):
        file, folder = self.home.folder / "round.gguf", self.home.folder / "round"
        self.home.run("export", "tiny", "--out", folder, "--format", "safetensors")
        self.home.run("export", folder, "--out", file)
        for path, name in [(folder, "folder"), (file, "file")]:
            made = self.home.json("import", path, "--name", name)
            self.assertEqual(made["fingerprint"], self.home.json("models", "show", "tiny")["fingerprint"])
            self.home.run("models", "rm", name)
        half = self.home.json("export", "tiny", "--out", self.home.folder / "half", "--format", "safetensors",
                              "--quantize", "bf16")
        self.assertEqual(half["certificate"]["to"], "bf16")
        plain = self.home.json("export", "tiny", "--out", self.home.folder / "plain.gguf", "--quantize", "q8_0",
                               "--no-certificate")
        self.assertIsNone(plain["certificate"])
        error = self.assert_fails("export", self.home.folder / "plain.gguf", "--out", self.home.folder / "no",
                                  "--format", "safetensors")
        self.assertIn("--quantize", error)

    def test_the_card_has_what_the_files_say(self):
        told = self.home.folder / "told"
        shutil.copytree(self.model, told)
        (told / "README.md").write_text("---\nlicense: apache-2.0\nlanguage:\n- en\n- de\n---\n# A model\n")
        self.home.run("import", told, "--name", "told")
        card = self.home.json("models", "show", "told")
        self.assertEqual(card["origin"]["license"], "apache-2.0")
        self.assertEqual(card["origin"]["languages"], ["en", "de"])
        shape = card["shape"]
        self.assertEqual((shape["layers"], shape["heads"], shape["kv_heads"], shape["context"]), (1, 2, 1, 32768))
        self.assertEqual(card["memory"]["kv_bytes_per_token"], 2 * 2 * 16)  # in f16
        self.assertEqual(sum(w["parameters"] for w in card["weights"]), card["parameters"])
        self.assertTrue(card["chat_template"]["generation_prompt"])
        text = self.home.run("models", "show", "told")
        for part in ["apache-2.0", "en, de", "byte-level BPE", "theta", card["fingerprint"]]:
            self.assertIn(part, text)
        file = self.home.folder / "told.gguf"
        self.home.run("export", "told", "--out", file)
        self.home.run("import", file, "--name", "told-file")
        self.assertEqual(self.home.json("models", "show", "told-file")["origin"]["license"], "apache-2.0")
        for name in ("told", "told-file"):
            self.home.run("models", "rm", name)

    def test_a_quantising_import_killed_at_any_moment_leaves_a_whole_model_or_none(self):
        command = ["import", self.model, "--quantize", "q8_0", "--name"]
        started = time.monotonic()
        self.home.run(*command, "timed")
        whole = time.monotonic() - started
        self.home.run("models", "rm", "timed")
        for part in range(1, 7):
            name = f"killed{part}"
            process = subprocess.Popen(self.home.command(*command, name), stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
            time.sleep(whole * part / 6)
            process.send_signal(signal.SIGKILL)
            process.wait()
            if name not in [m["name"] for m in self.home.json("models")]:
                self.home.run(*command, name)  # the name is free, whatever lies there
            self.assertTrue(self.home.json("models", "show", name)["certified"])
            self.home.run("run", name, "Hello", "--max-tokens", 2)
            self.home.run("models", "rm", name)
        left = {p.name for p in (self.home.path / "models").iterdir()}
        self.assertEqual(left - {".lock"}, {"tiny"})


class Adaptations(StoreTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        data = cls.home.folder / "train.jsonl"
        write_rows(data, 8)
        cls.lora = cls.home.folder / "lora"
        cls.home.run("tune", "tiny", data, "--method", "lora", "--epochs", 1, "--rank", 2, "--out",
                     cls.lora)
        cls.home.run("adaptations", "add", "colours", cls.lora, "--kind", "lora", "--base", "tiny")

    def test_a_lora_is_added_and_answers(self):
        listed = {a["name"]: a for a in self.home.json("adaptations")}
        self.assertEqual(listed["colours"]["kind"], "lora")
        self.assertEqual(listed["colours"]["base_model"], "tiny")
        self.assertEqual(listed["colours"]["settings"]["rank"], 2)
        answer = self.home.json("run", "tiny+colours", "Which colour?", "--max-tokens", 4)
        self.assertEqual(answer["reference"], "tiny+colours")
        self.assertEqual(answer["usage"]["completion_tokens"] <= 4, True)

    def test_another_base_is_refused_and_both_are_named(self):
        other = make_long_model(self.home.folder / "stranger", seed=2)
        self.home.run("import", other, "--name", "stranger")
        error = self.assert_fails("run", "stranger+colours", "Hello")
        self.assertIn("tiny", error)
        self.assertIn("stranger", error)
        by_path = self.assert_fails("run", f"{other}+colours", "Hello")
        self.assertIn("tiny", by_path)
        self.assertIn(str(other), by_path)
        # The same weights under a path are the base.
        self.home.run("run", f"{self.model}+colours", "Hello", "--max-tokens", 2)

    def test_the_kind_is_checked(self):
        error = self.assert_fails("adaptations", "add", "soft", self.lora, "--kind", "soft-prompt",
                                  "--base", "tiny")
        self.assertIn("lora", error)
        self.assertIn("--base", self.assert_fails("adaptations", "add", "x", self.lora, "--kind",
                                                  "lora"))

    def test_what_is_in_use_stays(self):
        self.assertIn("colours", self.assert_fails("models", "rm", "tiny"))
        self.home.run("adaptations", "add", "spare", self.lora, "--kind", "lora", "--base", "tiny")
        self.home.run("deploy", "user", "tiny+spare")
        self.assertIn("user", self.assert_fails("adaptations", "rm", "spare"))
        self.home.run("undeploy", "user")
        self.home.run("adaptations", "rm", "spare")
        self.assertFalse((self.home.path / "adaptations" / "spare").exists())

    def test_knowledge(self):
        docs = self.home.folder / "docs"
        docs.mkdir()
        (docs / "lamp.md").write_text("# Lamp\n\nThe lamp has a warranty of seven years.\n")
        (docs / "chair.md").write_text("# Chair\n\nThe chair carries 120 kilograms.\n")
        made = self.home.json("knowledge", "create", "handbook", docs)
        self.assertEqual(made, {"name": "handbook", "documents": 2, "chunks": 2})
        hits = self.home.json("knowledge", "search", "handbook", "how long is the lamp's warranty?")
        self.assertEqual(hits[0]["document"], "lamp.md")
        (docs / "lamp.md").write_text("# Lamp\n\nThe lamp has a warranty of nine years.\n")
        self.home.run("knowledge", "add", "handbook", docs / "lamp.md")
        hits = self.home.json("knowledge", "search", "handbook", "warranty")
        self.assertIn("nine", hits[0]["text"])
        self.home.run("knowledge", "rm", "handbook", "chair.md")
        self.assertEqual([d["name"] for d in self.home.json("knowledge", "ls", "handbook")],
                         ["lamp.md"])
        self.assertIn("chair.md", self.assert_fails("knowledge", "rm", "handbook", "chair.md"))
        answer = self.home.json("run", "tiny+handbook", "How long is the warranty?", "--max-tokens",
                                4)
        self.assertEqual([p["source"] for p in answer["passages"]], ["lamp.md#0"])
        self.assertEqual([b["name"] for b in self.home.json("knowledge", "ls")], ["handbook"])
        self.home.run("knowledge", "rm", "handbook")
        self.assertEqual(self.home.json("knowledge", "ls"), [])
        self.assertFalse((self.home.path / "knowledge" / "handbook.db").exists())

    def test_a_knowledge_base_file_is_added_with_its_chunks(self):
        handbook = SOURCE / "examples" / "helpdesk" / "handbook"
        made = self.home.json("knowledge", "create", "small", handbook, "--words", 20)
        file = self.home.folder / "elsewhere.db"
        shutil.copy(self.home.path / "knowledge" / "small.db", file)
        self.home.run("adaptations", "add", "copied", file, "--kind", "knowledge")
        self.assertEqual(len(self.home.json("knowledge", "ls", "copied")), made["documents"])
        question = "how long is the warranty on the hub?"
        self.assertEqual(self.home.json("knowledge", "search", "copied", question),
                         self.home.json("knowledge", "search", "small", question))
        file.write_bytes(file.read_bytes()[:5000])
        said = self.assert_fails("adaptations", "add", "cut", file, "--kind", "knowledge")
        self.assertIn("elsewhere.db", said)
        for name in ("small", "copied"):
            self.home.run("adaptations", "rm", name)

    def test_prompts(self):
        self.home.run("prompt", "create", "polite", "--system", "Be polite.", "--template",
                      "Question: {input}")
        shown = self.home.json("prompt", "show", "polite")
        self.assertEqual(shown["system"], "Be polite.")
        rows = self.home.folder / "shots.jsonl"
        write_rows(rows, 6)
        self.home.run("prompt", "create", "shots", "--examples", rows, "--shots", 2)
        self.assertEqual(len(self.home.json("prompt", "show", "shots")["examples"]), 6)
        plain = self.home.json("run", "tiny", "Hello", "--max-tokens", 2)["usage"]["prompt_tokens"]
        polite = self.home.json("run", "tiny+polite", "Hello", "--max-tokens",
                                2)["usage"]["prompt_tokens"]
        shots = self.home.json("run", "tiny+shots", "Hello", "--max-tokens",
                               2)["usage"]["prompt_tokens"]
        self.assertLess(plain, polite)
        self.assertLess(polite, shots)
        self.assertIn("already", self.assert_fails("prompt", "create", "polite", "--system", "x"))
        self.home.run("prompt", "create", "polite", "--system", "Be brief.", "--replace")
        self.assertEqual(self.home.json("prompt", "show", "polite")["system"], "Be brief.")
        self.home.run("deploy", "kind", "tiny+polite")
        self.assertIn("kind", self.assert_fails("prompt", "create", "polite", "--system", "y",
                                                "--replace"))
        self.assertEqual(self.home.json("prompt", "show", "polite")["system"], "Be brief.")
        self.home.run("undeploy", "kind")
        self.assertEqual({p["name"] for p in self.home.json("prompt", "ls")}, {"polite", "shots"})


class Run(StoreTest):
    def test_one_shot_repeats_and_obeys_its_options(self):
        one = self.home.run("run", "tiny", "Which colour has the lamp?", "--max-tokens", 6)
        self.assertEqual(one, self.home.run("run", "tiny", "Which colour has the lamp?",
                                            "--max-tokens", 6))
        warm = ["run", "tiny", "Hello", "--max-tokens", 12, "--temperature", 1.5, "--seed"]
        self.assertEqual(self.home.run(*warm, 5), self.home.run(*warm, 5))
        drawn = {self.home.run(*warm, seed) for seed in range(4)}
        self.assertGreater(len(drawn), 1)
        answer = self.home.json("run", "tiny", "Hello", "--max-tokens", 3, "--system", "Be brief.")
        self.assertLessEqual(answer["usage"]["completion_tokens"], 3)
        self.assertIn(answer["finish_reason"], ["stop", "length"])

    def test_a_path_is_a_model(self):
        self.assertEqual(self.home.run("run", self.model, "Hello", "--max-tokens", 6),
                         self.home.run("run", "tiny", "Hello", "--max-tokens", 6))

    def test_a_chat_has_several_turns_and_ends(self):
        out = self.home.run("run", "tiny", "--max-tokens", 4, stdin="Hello\nAnd again\n/exit\nNo\n")
        self.assertEqual(self.home.run("run", "tiny", "Hello", "--max-tokens", 4),
                         out[:len(self.home.run("run", "tiny", "Hello", "--max-tokens", 4))])
        cleared = self.home.run("run", "tiny", "--max-tokens", 4, stdin="Hello\n/clear\nHello\n")
        half = len(cleared) // 2
        self.assertEqual(cleared[:half], cleared[half:])

    def test_an_over_long_prompt_fails_with_the_counts(self):
        error = self.assert_fails("run", "tiny", stdin="word " * 30000 + "\n")
        self.assertIn("32768", error)


if __name__ == "__main__":
    unittest.main()
