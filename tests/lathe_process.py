"""What the end-to-end tests share: running the program, and a tiny model made by it."""
import json
import os
import random
import subprocess
from pathlib import Path

LATHE = os.environ.get("LATHE", str(Path(__file__).resolve().parent.parent / "build" / "lathe"))
SOURCE = Path(os.environ.get("LATHE_SOURCE_DIR", Path(__file__).resolve().parent.parent))

TINY_RECIPE = {
    "vocabulary": {"size": 300, "special_tokens": ["<|pad|>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>"],
                   "eos": "<|end|>", "pad": "<|pad|>"},
    "chat_template": "chat_template.jinja",
    "model": {"hidden_size": 32, "intermediate_size": 64, "layers": 2, "heads": 4, "kv_heads": 2, "head_dim": 8,
              "max_positions": 256},
    "training": {"epochs": 4, "batch_tokens": 256, "rows_per_pass": 256, "learning_rate": 3e-3, "warmup_steps": 5,
                 "checkpoint_every": 2},
}


def lathe(*arguments, home=None, check=True, timeout=300):
    """Runs the program to its end and returns the finished process, its output as text."""
    command = [LATHE, *map(str, arguments)]
    if home is not None:
        command += ["--home", str(home)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


def write_rows(path, count, seed=1):
    """Rows with something to learn: the answer names the fruit's colour."""
    draw = random.Random(seed)
    colours = {"apple": "red", "lemon": "yellow", "plum": "blue", "lime": "green"}
    with open(path, "w", encoding="utf-8") as out:
        for _ in range(count):
            fruit = draw.choice(sorted(colours))
            text = draw.choice(["Which colour is the {}?", "Tell me about the {}.", "What does a {} look like?"])
            row = {"messages": [{"role": "user", "content": text.format(fruit)},
                                {"role": "assistant", "content": colours[fruit]}], "task": "colour"}
            out.write(json.dumps(row) + "\n")


def write_recipe(folder, epochs=4):
    """The tiny recipe, with its template beside it."""
    folder = Path(folder)
    template = (SOURCE / "starter" / "chat_template.jinja").read_text(encoding="utf-8")
    (folder / "chat_template.jinja").write_text(template, encoding="utf-8")
    recipe = {**TINY_RECIPE, "training": {**TINY_RECIPE["training"], "epochs": epochs}}
    (folder / "recipe.json").write_text(json.dumps(recipe), encoding="utf-8")
    return folder / "recipe.json"


def make_tiny_model(folder, rows=60):
    """A model of some 30,000 parameters in folder/model, trained for a second or two."""
    folder = Path(folder)
    write_rows(folder / "rows.jsonl", rows)
    lathe("pretrain", write_recipe(folder), "--data", folder / "rows.jsonl", "--out", folder / "model")
    return folder / "model"
