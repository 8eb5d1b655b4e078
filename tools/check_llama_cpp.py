#!/usr/bin/env python3
"""Holds GGUF files that `lathe export` writes to the programs that others read them with: gguf-py and llama.cpp.

    .venv/bin/python tools/check_llama_cpp.py --server llama-server [--out bench/results/llama_cpp.md]

Exports the starter model in each type of weights, and a small random model of each family (with a tokenizer of its
own) from a Hugging Face folder. gguf-py's GGUFReader must read every tensor; llama.cpp's server must make the same
token ids of texts; and each token of its greedy continuations must be the likeliest by `lathe inspect logits`. Where
one is not, the difference of the two logits says whether it was a tie: llama.cpp rounds activations to eight bits
before it multiplies them with quantised weights.

Needs `pip install torch transformers gguf` and llama.cpp's llama-server.
"""
import argparse
import contextlib
import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import gguf
from safetensors.torch import load_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

import oracle
from family_cases import Case

TOKENS = 48  # of a continuation
TIE = 0.1    # logits that are closer than this are a tie
TEXTS = ["The museum is open", "How much does delivery cost?", "Straße, 12345  naïve 日本\n\n", "x"]
STARTER_TYPES = ("f32", "f16", "bf16", "q8_0", "q6_k", "q4_k", "q4_0")
SIZES = dict(vocab_size=320, hidden_size=64, num_hidden_layers=3, num_attention_heads=4, intermediate_size=96,
             max_position_embeddings=256)
KV = dict(SIZES, num_key_value_heads=2)
EXPERTS = dict(num_experts_per_tok=2)
LLAMA3 = dict(rope_type="llama3", rope_theta=10000.0, factor=4.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=64)
# name: (family, settings of transformers' configuration)
FAMILIES = {
    "llama": ("llama", KV),
    "llama, rope llama3": ("llama", dict(KV, rope_parameters=LLAMA3)),
    "llama, rope linear, tied": ("llama", dict(KV, tie_word_embeddings=True, rope_parameters=dict(
        rope_type="linear", rope_theta=10000.0, factor=2.0))),
    "mistral": ("mistral", dict(KV, sliding_window=None, head_dim=16)),
    "mixtral": ("mixtral", dict(KV, num_local_experts=4, **EXPERTS)),
    "qwen2": ("qwen2", KV),
    "qwen3": ("qwen3", dict(KV, head_dim=32)),
    "qwen3_moe": ("qwen3_moe", dict(KV, head_dim=16, num_experts=4, moe_intermediate_size=32, norm_topk_prob=True,
                                    **EXPERTS)),
    "gemma2": ("gemma2", dict(KV, head_dim=16, sliding_window=16, query_pre_attn_scalar=16)),
    "gemma3_text": ("gemma3_text", dict(KV, head_dim=16, num_hidden_layers=6, sliding_window=16,
                                        query_pre_attn_scalar=16)),
    "phi3": ("phi3", dict(KV, pad_token_id=0)),
    "falcon, 7B": ("falcon", dict(SIZES, multi_query=True, parallel_attn=True, new_decoder_architecture=False)),
    "falcon, 40B": ("falcon", dict(SIZES, num_kv_heads=2, new_decoder_architecture=True)),
    "gpt2": ("gpt2", dict(vocab_size=320, n_embd=64, n_layer=3, n_head=4, n_positions=256)),
    "gpt_neox": ("gpt_neox", SIZES),
}


def write_tokenizer(folder, size):
    """GPT-2's pipeline, learnt from these texts and sources."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    texts = TEXTS * 20 + Path(__file__).read_text().splitlines()
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=size, special_tokens=["<|endoftext|>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.save(str(folder / "tokenizer.json"))
    names = {"tokenizer_class": "GPT2Tokenizer", "eos_token": "<|endoftext|>", "bos_token": "<|endoftext|>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(names))


def export(program, home, reference, out, *more):
    done = subprocess.run([program, "export", reference, "--no-certificate", "--out", out, *more], text=True,
                          capture_output=True, env={"LATHE_HOME": str(home)})
    if done.returncode != 0:
        raise oracle.Refused(done.stderr.strip())
    return out


def reads_with_gguf_py(path):
    """Whether every tensor's values can be read, and how many there are."""
    reader = gguf.GGUFReader(path)
    for tensor in reader.tensors:
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        assert values.size == tensor.n_elements, tensor.name
    return len(reader.tensors)


class Server:
    def __init__(self, program, model):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process = subprocess.Popen(
            [program, "-m", model, "--port", str(self.port), "-t", "1", "--no-warmup", "--offline", "-c", "256",
             "-np", "1", "-ctk", "f32", "-ctv", "f32", "-fa", "off"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def post(self, path, body):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", json.dumps(body).encode(),
                                         {"Content-Type": "application/json"})
        return json.load(urllib.request.urlopen(request, timeout=600))

    def wait(self):
        for _ in range(300):
            if self.process.poll() is not None:
                raise oracle.Refused("llama.cpp does not load it")
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=10)
                return self
            time.sleep(0.2)
        raise oracle.Refused("llama.cpp's server does not answer")

    def ids(self, text):
        return self.post("/tokenize", {"content": text, "add_special": True, "parse_special": True})["tokens"]

    def continuation(self, ids):
        return self.post("/completion", {"prompt": ids, "n_predict": TOKENS, "samplers": ["top_k"], "top_k": 1,
                                         "return_tokens": True, "cache_prompt": False,
                                         "repeat_penalty": 1.0})["tokens"]

    def stop(self):
        self.process.terminate()
        self.process.wait()


def lathe_ids(program, path, text):
    out = subprocess.run([program, "inspect", "tokens", path, text, "--json"], capture_output=True, text=True,
                         check=True)
    return json.loads(out.stdout)["ids_special"]


def lathe_logits(program, path, ids, scratch):
    out = scratch / "logits.safetensors"
    subprocess.run([program, "inspect", "logits", path, "--ids", ",".join(map(str, ids)), "--out", out], check=True,
                   capture_output=True)
    return load_file(out)["logits"]


def compare(path, options, scratch):
    """Counts: texts whose ids are the same, tokens generated, those that are the likeliest, ties; the widest gap."""
    server = Server(options.server, path)
    same, tokens, likeliest, ties, widest = 0, 0, 0, 0, 0.0
    try:
        server.wait()
        for text in TEXTS:
            ids = server.ids(text)
            same += ids == lathe_ids(options.lathe, path, text)
            made = server.continuation(ids)
            rows = lathe_logits(options.lathe, path, ids + made, scratch)[len(ids) - 1:-1]
            for row, token in zip(rows, made):
                gap = float(row.max() - row[token])
                tokens, likeliest, ties = tokens + 1, likeliest + (gap == 0), ties + (0 < gap < TIE)
                widest = max(widest, gap)
    finally:
        server.stop()
    return same, tokens, likeliest, ties, widest


def files(options, scratch):
    """(name, a function that writes the file and gives its path)."""
    starter = oracle.SOURCE / "starter" / "lathe-starter.gguf"
    for kind in STARTER_TYPES:
        yield f"starter, {kind}", lambda kind=kind: export(options.lathe, scratch / "home", starter,
                                                           scratch / "x.gguf", "--quantize", kind)
    for name, (family, settings) in FAMILIES.items():
        def write(name=name, family=family, settings=settings):
            folder = scratch / "model"
            folder.mkdir(exist_ok=True)
            for old in folder.iterdir():
                old.unlink()
            oracle.write_folder(Case(family, dict(settings)), sum(map(ord, name)), folder)
            write_tokenizer(folder, 320)
            return export(options.lathe, scratch / "home", folder, scratch / "x.gguf")
        yield name, write


def report(rows, options):
    version = subprocess.run([options.server, "--version"], capture_output=True, text=True)
    build = next((line for line in (version.stderr + version.stdout).splitlines() if line.startswith("version")), "?")
    lines = ["# Exported GGUF files in llama.cpp", "", "    tools/check_llama_cpp.py --server llama-server", "",
             f"llama.cpp {build}; gguf-py. {len(TEXTS)} texts for each file, at most {TOKENS} tokens of greedy "
             "continuation by llama.cpp each; likeliest: the token is the likeliest by `lathe inspect logits` of the same "
             f"file too; tie: it is less than {TIE} below (llama.cpp rounds activations to eight bits before it multiplies them with "
             "quantised weights; its cache is set to f32). The families are random models of width 64 with a tokenizer "
             "of GPT-2's kind.", "",
             "| file | tensors read by gguf-py | same ids | tokens | likeliest | ties | widest gap |",
             "|---|--:|--:|--:|--:|--:|--:|"]
    return "\n".join(lines + rows) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True)
    parser.add_argument("--lathe", type=Path, default=oracle.LATHE)
    parser.add_argument("--only", help="files whose name holds this")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    rows, failed = [], 0
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        for name, write in files(options, scratch):
            if options.only and options.only not in name:
                continue
            try:
                path = write()
                tensors = reads_with_gguf_py(path)
                same, tokens, likeliest, ties, widest = compare(path, options, scratch)
            except oracle.Refused as refusal:
                rows.append(f"| {name} | {refusal} | | | | | |")
                failed += 1
            else:
                rows.append(f"| {name} | {tensors} | {same} of {len(TEXTS)} | {tokens} | {likeliest} | {ties} | "
                            f"{widest:.1g} |")
                failed += same < len(TEXTS) or likeliest + ties < tokens
            print(rows[-1], flush=True)
    if options.out:
        options.out.write_text(report(rows, options))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
