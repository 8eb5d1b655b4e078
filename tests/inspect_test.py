"""lathe inspect against the goldens: token ids, rendered prompts and logits, from files and from the store."""
import json
import struct
import subprocess
import tempfile
import unittest
from pathlib import Path

from lathe_process import LATHE, SOURCE, lathe

GOLDENS = SOURCE / "testdata" / "goldens"


def read_safetensors(path):
    """name -> (dtype, shape, values) of f32 and i64 tensors."""
    data = Path(path).read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + size])
    out = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        raw = data[8 + size + begin:8 + size + end]
        letter, width = {"F32": ("f", 4), "I64": ("q", 8)}[entry["dtype"]]
        out[name] = (entry["shape"], struct.unpack(f"<{len(raw) // width}{letter}", raw))
    return out


class InspectTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def inspect(self, *arguments, check=True):
        return lathe("inspect", *arguments, home=self.folder / "home", check=check)


class Tokens(InspectTest):
    def test_rows_are_the_goldens(self):
        for tokenizer in sorted((GOLDENS / "tokenizers").iterdir()):
            with self.subTest(tokenizer.name):
                vectors = [json.loads(line) for line in (tokenizer / "vectors.jsonl").read_text().splitlines()]
                rows = self.folder / "rows.jsonl"
                rows.write_text("".join(json.dumps({"text": v["text"]}) + "\n" for v in vectors))
                done = self.inspect("tokens", tokenizer / "tokenizer.json", "--jsonl", rows, "--json")
                got = [json.loads(line) for line in done.stdout.splitlines()]
                self.assertEqual(got, [{k: v[k] for k in ("ids", "ids_special", "decoded")} for v in vectors])

    def test_a_text_gives_a_table(self):
        starter = SOURCE / "starter" / "lathe-starter.gguf"
        table = self.inspect("tokens", starter, "How much is it?").stdout.splitlines()
        ids = json.loads(self.inspect("tokens", starter, "How much is it?", "--json").stdout)
        self.assertEqual(len(table) - 1, len(ids["ids_special"]))
        self.assertEqual(ids["decoded"], "How much is it?")

    def test_bad_rows_are_named(self):
        rows = self.folder / "rows.jsonl"
        rows.write_text('{"text": "a"}\n{"txt": "b"}\n')
        done = self.inspect("tokens", GOLDENS / "tokenizers" / "bpe-gpt2", "--jsonl", rows, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("line 2", done.stderr)
        self.assertIn("text", done.stderr)

    def test_a_folder_without_texts_says_what_to_give(self):
        done = self.inspect("tokens", self.folder, "a", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("tokenizer.json", done.stderr)


class Render(InspectTest):
    def render(self, template, request, check=True, *arguments):
        (self.folder / "request.json").write_text(json.dumps(request))
        command = [LATHE, "inspect", "render", str(template), "--input", str(self.folder / "request.json"),
                   *arguments]
        done = subprocess.run(command, capture_output=True, timeout=60)
        if check:
            self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def test_bytes_are_exact(self):
        template = self.folder / "t.jinja"
        template.write_text("{{ bos_token }}{% for m in messages %}<{{ m.role }}>{{ m.content }}\n{% endfor %}"
                            "{% if add_generation_prompt %}<a>{% endif %}{{ mood }}{{ tools | length }}")
        request = {"messages": [{"role": "user", "content": "é\r\n "}], "add_generation_prompt": True,
                   "bos_token": "<s>", "mood": "!", "tools": [{"type": "function"}]}
        self.assertEqual(self.render(template, request).stdout, "<s><user>é\r\n \n<a>!1".encode())

    def test_special_tokens_come_from_beside_the_template(self):
        folder = self.folder / "model"
        folder.mkdir()
        (folder / "chat_template.jinja").write_text("{{ bos_token }}|{{ unk_token }}|{{ pad_token }}|{{ mask_token }}")
        (folder / "tokenizer_config.json").write_text(json.dumps(
            {"bos_token": "<s>", "unk_token": {"content": "<u>"}, "pad_token": None, "mask_token": "<m>"}))
        self.assertEqual(self.render(folder, {"messages": []}).stdout, b"<s>|<u>||<m>")

    def test_the_order_of_keys_and_the_digits_of_numbers_stay(self):
        template = self.folder / "t.jinja"
        template.write_text("{{ tools | tojson }}{{ messages[0] }}")
        tools = [{"z": 1, "a": {"y": 1e20, "b": [0.1, 1.0, 18446744073709551615]}}]
        rendered = self.render(template, {"messages": [{"role": "user", "content": "<&>"}], "tools": tools}).stdout
        self.assertEqual(rendered.decode(), json.dumps(tools) + "{'role': 'user', 'content': '<&>'}")

    def test_of_several_templates_the_one_for_tools(self):
        named = [{"name": "default", "template": "D"}, {"name": "tool_use", "template": "T{{ tools | length }}"},
                 {"name": "rag", "template": "R"}]
        (self.folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": named}))
        self.assertEqual(self.render(self.folder, {"messages": []}).stdout, b"D")
        self.assertEqual(self.render(self.folder, {"messages": [], "tools": None}).stdout, b"D")
        self.assertEqual(self.render(self.folder, {"messages": [], "tools": []}).stdout, b"T0")
        self.assertEqual(self.render(self.folder, {"messages": []}, True, "--template", "rag").stdout, b"R")
        done = self.render(self.folder, {"messages": []}, False, "--template", "chat")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"default, tool_use, rag", done.stderr)

    def test_the_last_message_is_continued(self):
        template = self.folder / "t.jinja"
        template.write_text("{% for m in messages %}<{{ m.role }}>{{ m.content }}<end>{% endfor %}")
        request = {"messages": [{"role": "a", "content": "Well, "}], "continue_final_message": True}
        self.assertEqual(self.render(template, request).stdout, b"<a>Well, ")

    def test_a_template_that_refuses_ends_with_one(self):
        template = self.folder / "t.jinja"
        template.write_text("{{ raise_exception('no system texts here') }}")
        done = self.render(template, {"messages": []}, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stdout, b"")
        self.assertIn(b"no system texts here", done.stderr)


class Logits(InspectTest):
    def compare(self, model, golden, tolerance, *arguments):
        golden = read_safetensors(golden)
        out = self.folder / "logits.safetensors"
        for k in range(3):
            ids = ",".join(map(str, golden[f"ids_{k}"][1]))
            self.inspect("logits", model, "--ids", ids, "--out", out, *arguments)
            shape, got = read_safetensors(out)["logits"]
            want_shape, want = golden[f"logits_{k}"]
            self.assertEqual(shape, want_shape)
            self.assertLess(max(abs(a - b) for a, b in zip(got, want)), tolerance)

    def test_models(self):
        self.compare(GOLDENS / "llama", GOLDENS / "llama" / "golden.safetensors", 1e-4)
        for name in ("q8_0", "q4_0", "q4_k_m", "q6_k"):
            with self.subTest(name):
                self.compare(GOLDENS / "gguf" / f"{name}.gguf", GOLDENS / "gguf" / f"{name}.safetensors", 1e-3)

    def test_adapters(self):
        for name in ("lora-qv", "prompt-tuning"):
            with self.subTest(name):
                adapter = GOLDENS / "adapters" / name
                self.compare(GOLDENS / "llama", adapter / "golden.safetensors", 1e-4, "--adapter", adapter)

    def logits(self, model, ids, activations, *arguments):
        out = self.folder / "logits.safetensors"
        self.inspect("logits", model, "--ids", ",".join(map(str, ids)), "--out", out, "--activations", activations, *arguments)
        (rows, vocab), values = read_safetensors(out)["logits"]
        return [values[i * vocab:(i + 1) * vocab] for i in range(rows)]

    def test_as_the_engine_answers(self):
        starter, question = SOURCE / "starter" / "lathe-starter.gguf", "Tell me a story about a boat."
        done = lathe("run", starter, question, "--max-tokens", 24, "--temperature", 0, home=self.folder / "home")
        request = self.folder / "request.json"
        request.write_text(json.dumps({"messages": [{"role": "user", "content": question}],
                                       "add_generation_prompt": True}))
        prompt = self.inspect("render", starter, "--input", request).stdout

        def ids_of(text):
            return json.loads(self.inspect("tokens", starter, text, "--json").stdout)["ids"]
        ids, begin = ids_of(prompt + done.stdout.rstrip("\n")), len(ids_of(prompt))
        self.assertGreater(len(ids) - begin, 4)
        rows = self.logits(starter, ids, "engine", "--drawn", len(ids) - begin)
        likeliest = [max(range(len(row)), key=row.__getitem__) for row in rows[begin - 1:-1]]
        self.assertEqual(likeliest, ids[begin:])

    def test_activations_change_logits_a_little(self):
        starter, ids = SOURCE / "starter" / "lathe-starter.gguf", range(5, 101)
        exact = self.logits(starter, ids, "f32")
        for drawn in (0, 95):
            rows = self.logits(starter, ids, "engine", "--drawn", drawn)
            gap = max(abs(a - b) for got, want in zip(rows, exact) for a, b in zip(got, want))
            self.assertTrue(0 < gap < 2, f"{drawn} drawn: {gap}")

    def test_ids_outside_the_vocabulary_are_refused(self):
        done = self.inspect("logits", GOLDENS / "llama", "--ids", "5,99999", "--out", self.folder / "x", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("99999", done.stderr)


if __name__ == "__main__":
    unittest.main()
