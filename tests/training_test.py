"""Pre-training and tuning with the real program: kill -9 in the middle, resume, the same bytes at the end."""
import json
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from lathe_process import LATHE, lathe, make_tiny_model, write_recipe, write_rows


def run_and_kill(command, checkpoint, times):
    """Starts the command `times` times and kills it -9 soon after it has written a checkpoint."""
    killed = 0
    for attempt in range(times):
        before = checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            if checkpoint.exists() and checkpoint.stat().st_mtime_ns != before:
                time.sleep(0.01 * attempt)
                break
            time.sleep(0.001)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            killed += 1
        process.wait()
    return killed


class TrainingTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.folder = Path(cls.scratch.name)
        cls.model = make_tiny_model(cls.folder)
        write_rows(cls.folder / "tune.jsonl", 40, seed=2)

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    def test_a_killed_pretraining_ends_with_the_same_bytes(self):
        out = self.folder / "killed"
        whole = self.folder / "whole"
        # Long enough that three runs are killed in the middle on a fast machine, too.
        command = [LATHE, "pretrain", write_recipe(self.folder, epochs=60), "--data", self.folder / "rows.jsonl", "--out"]
        lathe(*command[1:], whole)
        command.append(out)
        killed = run_and_kill(command, out / "checkpoint.safetensors", 3)
        self.assertGreater(killed, 0, "no run was killed in the middle")
        done = lathe(*command[1:], "--json")
        self.assertGreater(json.loads(done.stdout)["resumed_from"], 0)
        for name in ("model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json"):
            self.assertEqual((out / name).read_bytes(), (whole / name).read_bytes(), name)
        self.assertFalse((out / "checkpoint.safetensors").exists())

    def check_tuning(self, method):
        arguments = ["tune", self.model, self.folder / "tune.jsonl", "--method", method, "--epochs", "60"]
        lathe(*arguments, "--out", self.folder / f"{method}-whole")
        out = self.folder / f"{method}-killed"
        checkpoint = out / "checkpoint.safetensors"
        killed = run_and_kill([LATHE, *arguments, "--out", out], checkpoint, 2)
        self.assertGreater(killed, 0, "no run was killed in the middle")
        done = lathe(*arguments, "--out", out, "--json")
        self.assertGreater(json.loads(done.stdout)["resumed_from"], 0)
        name = "model.safetensors" if method == "full" else "adapter_model.safetensors"
        self.assertEqual((out / name).read_bytes(), (self.folder / f"{method}-whole" / name).read_bytes())

    def test_a_killed_lora_run_ends_with_the_same_bytes(self):
        self.check_tuning("lora")

    def test_a_killed_prompt_tuning_ends_with_the_same_bytes(self):
        self.check_tuning("prompt")

    def test_a_killed_full_tuning_ends_with_the_same_bytes(self):
        self.check_tuning("full")

    def test_the_exported_file_reads_back_as_the_same_weights(self):
        gguf = self.folder / "tiny.gguf"
        lathe("export", self.model, "--out", gguf)
        lathe("export", gguf, "--format", "safetensors", "--out", self.folder / "back")
        self.assertEqual((self.folder / "back" / "model.safetensors").read_bytes(),
                         (self.model / "model.safetensors").read_bytes())

    def test_bad_rows_are_errors_with_their_line(self):
        bad = self.folder / "bad.jsonl"
        bad.write_text('{"text": "fine", "label": "yes"}\n{"messages": [{"role": "user"}]}\n')
        done = lathe("tune", self.model, bad, "--out", self.folder / "never", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("line 2", done.stderr)
        self.assertFalse((self.folder / "never" / "adapter_config.json").exists())

    def test_a_row_longer_than_the_context_is_an_error_with_the_counts(self):
        long = self.folder / "long.jsonl"
        long.write_text(json.dumps({"text": "word " * 2000, "label": "yes"}) + "\n")
        done = lathe("tune", self.model, long, "--out", self.folder / "never2", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("256", done.stderr)


if __name__ == "__main__":
    unittest.main()
