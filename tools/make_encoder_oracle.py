#!/usr/bin/env python3
"""Writes testdata/encoders/NAME: small random encoders of each family, their states by transformers, and the
embeddings of texts by the rules of sentence-transformers, computed here in plain torch.

    python3 -m venv .venv && .venv/bin/pip install torch transformers gguf
    .venv/bin/python tools/make_encoder_oracle.py [NAME ...]

A folder is as Hugging Face and sentence-transformers write it.  Beside the model stand
- `golden.safetensors`: for k in 0..3 `ids_k` int64 [n] and `hidden_k` f32 [n, width], the last states;
- where the model has a tokenizer, `embeddings.jsonl`: `text`, `ids` (special tokens added) and `embedding`, pooled and
  normalised as the folder's modules say;
- for some, `model.gguf`: the same weights under llama.cpp's names.
Norms and biases are moved away from 1 and 0, so that one that is left out shows.
"""
import json
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import AutoConfig, AutoModel, AutoModelForMaskedLM

SIZES = dict(vocab_size=120, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
             max_position_embeddings=40)
DISTIL = dict(vocab_size=120, dim=32, hidden_dim=48, n_layers=2, n_heads=4, max_position_embeddings=40)

SMALL = dict(hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=2,
             max_position_embeddings=42, type_vocab_size=1, layer_norm_eps=1e-5)

TEXTS = ["hello world", "The cat sat on the mat.", "cats and dogs, dogs and cats", "a",
         "Unbelievable! Café naïve résumé", "[MASK] is a word", "words   with\tspaces\nand 12345 numbers",
         "你好 world", "the " * 40, "", "zzzz qqqq"]

# pooling: None leaves modules.json out.  head: the class whose folder it is, with the family's prefix on every name.
ENCODERS = {
    "bert-mean": dict(config=dict(model_type="bert", **SIZES), pooling="mean", normalise=True, tokenizer=True,
                      max_seq_length=24, gguf=True),
    "bert-cls-relu": dict(config=dict(model_type="bert", **{**SIZES, "hidden_act": "relu", "type_vocab_size": 1}),
                          pooling="cls", normalise=False, tokenizer=True, newer=True, prompts=True),
    "bert-head-old-names": dict(config=dict(model_type="bert", **{**SIZES, "hidden_act": "gelu_new"}), head=True,
                                old_names=True),
    "bert-f16-sharded": dict(config=dict(model_type="bert", **SIZES), dtype=torch.float16, shard="30KB"),
    "roberta": dict(config=dict(model_type="roberta", **{**SIZES, "type_vocab_size": 1, "layer_norm_eps": 1e-5}),
                    pooling="max", normalise=True),
    "xlm-roberta": dict(config=dict(model_type="xlm-roberta", **{**SIZES, "type_vocab_size": 1, "pad_token_id": 3}),
                        head=True, dtype=torch.bfloat16, gguf=True),
    "camembert": dict(config=dict(model_type="camembert", **{**SIZES, "type_vocab_size": 1})),
    "roberta-texts": dict(config=dict(model_type="roberta", **SMALL, vocab_size=300), pooling="cls", normalise=True,
                          tokenizer="byte_level", gguf=True),
    "xlm-roberta-texts": dict(config=dict(model_type="xlm-roberta", **SMALL, vocab_size=120), pooling="mean",
                              normalise=True, tokenizer="unigram", gguf=True),
    "distilbert": dict(config=dict(model_type="distilbert", **DISTIL), head=True, pooling="mean", normalise=False,
                       tokenizer=True),
}


def perturb(model):
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() == 1:
                base = 0.0 if name.endswith("bias") else 1.0
                parameter.copy_(base + 0.3 * torch.randn(parameter.shape, generator=generator))
            else:
                parameter.copy_(0.2 * torch.randn(parameter.shape, generator=generator))


def write_word_piece(folder):
    """A WordPiece vocabulary of 120: special tokens, letters, their continuations, some words."""
    words = ["the", "cat", "dog", "hello", "world", "and", "on", "##ing", "un", "word", "number", "cafe", "mat",
             "is", "sat", "with", "你", "##believ", "##able", "space", "naive", ".", ",", "!"]
    letters = [chr(c) for c in range(ord("a"), ord("z") + 1)]
    digits = [str(d) for d in range(6)]
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *["##" + x for x in letters], *digits,
              *["##" + d for d in digits], *words]
    assert len(tokens) <= SIZES["vocab_size"] and len(set(tokens)) == len(tokens), len(tokens)
    ids = {token: i for i, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", ids["[CLS]"]), ("[SEP]", ids["[SEP]"])])
    tokenizer.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({
        "tokenizer_class": "BertTokenizer", "do_lower_case": True, "model_max_length": 512, "unk_token": "[UNK]",
        "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]", "mask_token": "[MASK]"}))
    return tokenizer


ROBERTA = ["<s>", "<pad>", "</s>", "<unk>"]


def write_roberta(folder, tokenizer, mask):
    """What RoBERTa and XLM-R have around a text, and the names of their control tokens."""
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    tokenizer.add_special_tokens([*ROBERTA, AddedToken(mask, lstrip=True, special=True)])
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({
        "model_max_length": 40, "bos_token": "<s>", "eos_token": "</s>", "sep_token": "</s>", "cls_token": "<s>",
        "unk_token": "<unk>", "pad_token": "<pad>", "mask_token": mask}))
    return tokenizer


def write_byte_level(folder):
    """RoBERTa's: every byte, and some merges."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = [("Ġ", "t"), ("h", "e"), ("Ġt", "he"), ("Ġ", "c"), ("a", "t"), ("Ġc", "at"), ("o", "r"), ("l", "d")]
    tokens = [*ROBERTA, *alphabet, *(a + b for a, b in merges), "<mask>"]
    tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(tokens)}, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return write_roberta(folder, tokenizer, "<mask>")


def write_unigram(folder):
    """XLM-R's: pieces with scores, the longer ones better."""
    letters = [chr(c) for c in range(ord("a"), ord("z") + 1)]
    words = ["▁the", "▁cat", "at", "▁do", "or", "ld", "▁hello", "▁w", "▁", ".", ",", "你", "C", "T", "U", "é", "1", "2"]
    pieces = [(token, 0.0) for token in ROBERTA] + [(p, -3.0 / len(p) - 0.01 * i) for i, p in enumerate(letters + words)]
    tokenizer = Tokenizer(models.Unigram([*pieces, ("<mask>", 0.0)], unk_id=3, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Replace(Regex(" {2,}"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    return write_roberta(folder, tokenizer, "<mask>")


TOKENIZERS = {True: write_word_piece, "byte_level": write_byte_level, "unigram": write_unigram}


# The types of modules as sentence-transformers 2 and 6 write them.
OLDER = {kind: f"sentence_transformers.models.{kind}" for kind in ("Transformer", "Pooling", "Normalize")}
NEWER = {"Transformer": "sentence_transformers.base.modules.transformer.Transformer",
         "Pooling": "sentence_transformers.sentence_transformer.modules.pooling.Pooling",
         "Normalize": "sentence_transformers.base.modules.normalize.Normalize"}


def pooling_config(spec, width):
    if spec.get("newer"):
        return {"embedding_dimension": width, "pooling_mode": spec["pooling"], "include_prompt": True}
    flags = {"mean": "mean_tokens", "cls": "cls_token", "max": "max_tokens"}
    return {"word_embedding_dimension": width,
            **{f"pooling_mode_{flag}": mode == spec["pooling"] for mode, flag in flags.items()},
            "pooling_mode_mean_sqrt_len_tokens": False}


def write_modules(folder, spec, width):
    types = NEWER if spec.get("newer") else OLDER
    names = ["Transformer", "Pooling"] + (["Normalize"] if spec["normalise"] else [])
    (folder / "modules.json").write_text(json.dumps([
        {"idx": i, "name": str(i), "path": "" if i == 0 else f"{i}_{name}", "type": types[name]}
        for i, name in enumerate(names)]))
    (folder / "1_Pooling").mkdir(exist_ok=True)
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling_config(spec, width)))
    if "max_seq_length" in spec:
        (folder / "sentence_bert_config.json").write_text(
            json.dumps({"max_seq_length": spec["max_seq_length"], "do_lower_case": False}))
    if spec.get("prompts"):
        (folder / "config_sentence_transformers.json").write_text(json.dumps(
            {"prompts": {"query": "word: ", "document": ""}, "default_prompt_name": "query",
             "similarity_fn_name": "cosine"}))


def states(model, ids):
    with torch.no_grad():
        return model(torch.tensor([ids])).last_hidden_state[0].float()


def embedding(spec, hidden):
    vector = {"mean": lambda: hidden.mean(dim=0), "cls": lambda: hidden[0],
              "max": lambda: hidden.max(dim=0).values}[spec["pooling"]]()
    return torch.nn.functional.normalize(vector, dim=0) if spec["normalise"] else vector


def write_embeddings(folder, spec, model, tokenizer):
    prompt = "word: " if spec.get("prompts") else ""
    most = spec.get("max_seq_length", 40)
    tokenizer.enable_truncation(most)
    with open(folder / "embeddings.jsonl", "w") as out:
        for text in TEXTS:
            ids = tokenizer.encode(prompt + text).ids
            vector = embedding(spec, states(model, ids))
            out.write(json.dumps({"text": text, "ids": ids, "embedding": [round(x, 7) for x in vector.tolist()]},
                                 ensure_ascii=False) + "\n")


def write_goldens(folder, model, config):
    generator = torch.Generator().manual_seed(11)
    pad = config.pad_token_id
    most = config.max_position_embeddings - (pad + 1 if "roberta" in config.model_type or
                                             config.model_type == "camembert" else 0)
    golden = {}
    for k, length in enumerate((1, 7, 20, most)):
        ids = torch.randint(0, config.vocab_size, (length,), generator=generator)
        if length == 20:
            ids[5] = pad  # a pad token inside a text has a position of its own in RoBERTa
        golden[f"ids_{k}"] = ids
        golden[f"hidden_{k}"] = states(model, ids.tolist()).contiguous()
    save_file(golden, folder / "golden.safetensors")


def spell_as_old(folder):
    """LayerNorm's gamma and beta, and the buffer of positions, as the first checkpoints have them."""
    tensors = {name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): value
               for name, value in load_file(folder / "model.safetensors").items()}
    tensors["bert.embeddings.position_ids"] = torch.arange(SIZES["max_position_embeddings"])[None]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


GGUF_NAMES = {
    "embeddings.word_embeddings": "token_embd", "embeddings.position_embeddings": "position_embd",
    "embeddings.token_type_embeddings": "token_types", "embeddings.LayerNorm": "token_embd_norm",
    "attention.self.query": "attn_q", "attention.self.key": "attn_k", "attention.self.value": "attn_v",
    "attention.output.dense": "attn_output", "attention.output.LayerNorm": "attn_output_norm",
    "intermediate.dense": "ffn_up", "output.dense": "ffn_down", "output.LayerNorm": "layer_output_norm",
}


def gguf_name(name):
    module, _, end = name.rpartition(".")
    if module.startswith("encoder.layer."):
        layer, _, module = module.removeprefix("encoder.layer.").partition(".")
        return f"blk.{layer}.{GGUF_NAMES[module]}.{end}"
    return f"{GGUF_NAMES[module]}.{end}"


def write_gguf(folder, spec, model, config):
    """As llama.cpp's converter writes it: positions below RoBERTa's first are cut off, heads are left out."""
    import gguf

    first = config.pad_token_id + 1 if "roberta" in config.model_type else 0
    writer = gguf.GGUFWriter(folder / "model.gguf", "bert")
    writer.add_context_length(config.max_position_embeddings - first)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_head_count(config.num_attention_heads)
    writer.add_layer_norm_eps(config.layer_norm_eps)
    writer.add_causal_attention(False)
    if spec.get("pooling"):
        writer.add_pooling_type({"mean": gguf.PoolingType.MEAN, "cls": gguf.PoolingType.CLS}[spec["pooling"]])
    if spec.get("tokenizer"):
        add_gguf_tokenizer(writer, json.loads((folder / "tokenizer.json").read_text()), spec["tokenizer"],
                           config.vocab_size)
    else:
        writer.add_vocab_size(config.vocab_size)
    for name, value in model.state_dict().items():
        if name.startswith("pooler") or name.endswith("_ids"):
            continue
        value = value.float()
        if name == "embeddings.position_embeddings.weight":
            value = value[first:]
        writer.add_tensor(gguf_name(name), value.numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def add_gguf_tokenizer(writer, tokenizer, kind, size):
    if kind is True:
        add_word_piece(writer, tokenizer)
    else:
        add_roberta(writer, tokenizer, kind, size)


def add_roberta(writer, tokenizer, kind, size):
    """As the converter has them: byte-level BPE by its merges, Unigram as "t5" by its scores; filled up to `size`."""
    import gguf
    vocabulary = tokenizer["model"]["vocab"]
    if kind == "unigram":
        tokens = [token for token, _ in vocabulary]
        writer.add_tokenizer_model("t5")
        writer.add_tokenizer_pre("default")
        writer.add_token_scores([score for _, score in vocabulary] + [-1000.0] * (size - len(tokens)))
        writer.add_add_space_prefix(True)
        writer.add_remove_extra_whitespaces(True)
    else:
        tokens = sorted(vocabulary, key=vocabulary.get)
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre("roberta-bpe")
        writer.add_token_merges([" ".join(merge) for merge in tokenizer["model"]["merges"]])
    special = {token["content"] for token in tokenizer["added_tokens"]}
    unused = [f"[PAD{i}]" for i in range(len(tokens), size)]
    writer.add_token_list(tokens + unused)
    writer.add_token_types([gguf.TokenType.UNKNOWN if kind == "unigram" and t == "<unk>" else
                            gguf.TokenType.CONTROL if t in special else gguf.TokenType.NORMAL for t in tokens] +
                           [gguf.TokenType.UNUSED] * len(unused))
    for add, token in ((writer.add_bos_token_id, "<s>"), (writer.add_eos_token_id, "</s>"),
                       (writer.add_unk_token_id, "<unk>"), (writer.add_pad_token_id, "<pad>")):
        add(tokens.index(token))
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(True)
    writer.add_token_type_count(1)


def add_word_piece(writer, tokenizer):
    """llama.cpp's phantom spaces: a word's first piece begins with one, a continuation has no "##"."""
    vocabulary = sorted(tokenizer["model"]["vocab"], key=tokenizer["model"]["vocab"].get)
    special = {token["content"] for token in tokenizer["added_tokens"]}
    unused = [f"[PAD{i}]" for i in range(len(vocabulary), SIZES["vocab_size"])]
    pieces = [t if t in special else t[2:] if t.startswith("##") else "\u2581" + t for t in vocabulary] + unused
    import gguf
    types = [gguf.TokenType.CONTROL if t in special else gguf.TokenType.NORMAL for t in vocabulary] + \
            [gguf.TokenType.UNUSED] * len(unused)
    writer.add_tokenizer_model("bert")
    writer.add_tokenizer_pre("bert-bge")
    writer.add_token_type_count(2)
    writer.add_token_list(pieces)
    writer.add_token_types(types)
    writer.add_unk_token_id(1)
    writer.add_bos_token_id(2)
    writer.add_sep_token_id(3)
    writer.add_pad_token_id(0)
    writer.add_mask_token_id(4)


def write(name, out):
    spec = ENCODERS[name]
    settings = dict(spec["config"])
    config = AutoConfig.for_model(settings.pop("model_type"), **settings)
    config._attn_implementation = "eager"
    kind = AutoModelForMaskedLM if spec.get("head") else AutoModel
    whole = kind.from_config(config).eval()
    perturb(whole)
    whole = whole.to(spec.get("dtype", torch.float32))
    folder = out / name
    folder.mkdir(parents=True, exist_ok=True)
    whole.save_pretrained(folder, max_shard_size=spec.get("shard", "1GB"))
    model = (whole.base_model if spec.get("head") else whole).float()
    if spec.get("old_names"):
        spell_as_old(folder)
    write_goldens(folder, model, config)
    tokenizer = TOKENIZERS[spec["tokenizer"]](folder) if spec.get("tokenizer") else None
    if spec.get("pooling"):
        write_modules(folder, spec, getattr(config, "hidden_size", None) or config.dim)
    if tokenizer is not None:
        write_embeddings(folder, spec, model, tokenizer)
    if spec.get("gguf"):
        write_gguf(folder, spec, model, config)
    print(name, sorted(p.name for p in folder.iterdir()))


def main():
    out = Path(__file__).resolve().parent.parent / "testdata" / "encoders"
    for name in sys.argv[1:] or ENCODERS:
        write(name, out)


if __name__ == "__main__":
    main()
