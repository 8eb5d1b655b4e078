#!/usr/bin/env python3
"""Trains a small tokenizer of each kind, with the pipelines of well-known models, and writes what the
reference libraries make of random and adversarial texts.

    tools/make_tokenizer_oracle.py [NAME …]              writes testdata/tokenizers/NAME/
    tools/make_tokenizer_oracle.py --compare build/lathe [--count 10000] [DIR …]
                                                         compares `lathe inspect tokens` with the libraries

Needs the packages tokenizers, sentencepiece and, for the files of before tokenizer.json, transformers, which converts
them. The training text is the repository's documentation and the sentences below.
"""
import argparse
import io
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers,
                        processors, trainers)

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUT = ROOT / "testdata" / "tokenizers"
VECTORS = 500

SENTENCES = [
    "Der Bäcker öffnet früh, und schließt spät; die Straße ist naß.",
    "L'été dernier, nous avons mangé des crêpes à la forêt — c'était très bon !",
    "El niño comió piñas y jugó en la montaña, ¿verdad?",
    "Сегодня хорошая погода, и мы идём в парк с собакой.",
    "Η γάτα κοιμάται πάνω στο τραπέζι.",
    "今日は天気がいいから、散歩しましょう。カタカナとひらがな。",
    "今天天气很好，我们去公园散步吧。",
    "오늘은 날씨가 좋아서 산책을 갑니다.",
    "مرحبا بالعالم، كيف حالك اليوم؟",
    "नमस्ते दुनिया, आज मौसम अच्छा है।",
    "สวัสดีชาวโลก วันนี้อากาศดี",
    "Xin chào thế giới, hôm nay trời đẹp.",
    "for (int i = 0; i < 10; ++i) { sum += values[i] * 3.14159; }",
    "Call 555-0123 or write to nobody@example.org by 2024-12-31, 23:59:59.",
    "It's what they'd've said: \"we'll see\", I'm sure you're right; DON'T SHOUT!",
    "The year 1234567890 has 10 digits and ½ of ² is no number ③.",
]

STRETCHES = [
    " ", "  ", "   ", "\n", "\n\n", "\r\n", "\t", " \n ", "\u00a0", "\u3000", "\u2028", "\u200b", "\u200d", "\ufeff",
    "'s", "'S", "'t", "'LL", "’s", "don't", "the", " the", "The", "THE", "hello", " world", "HelloWorld", "camelCase",
    "1", "12", "123", "1234", "12345678", "0.5", "½", "²", "③", "٣", "१२", "Ⅷ",
    "é", "e\u0301", "ñ", "n\u0303", "Å", "ﬁ", "ﬃ", "ǆ", "ß", "ẞ", "İ", "ı", "Σ", "ς", "ệ", "ệ",
    "日本", "語", "カタ", "ひら", "中文", "한국", "\u1112\u1161\u11ab", "ไทย", "नमस्ते", "مرحبا", "שלום", "Привет",
    "😀", "👨‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "🇩🇪🇫🇷", "\U0001f9d1\u200d\U0001f680",
    "!", "?", "...", "—", "“", "”", "¿", "،", "。", "、", "$", "€", "+", "<", ">", "=", "^", "`", "~", "|", "_", "@", "#",
    "\x00", "\x01", "\x07", "\x1b", "\x7f", "\x85", "\x9f", "\ufffd", "\u0300", "\u0327\u0301", "\u20dd",
    "▁", "##", "Ġ", "Ċ", "<0x41>", "http://a.b/c?d=e&f", "a_b-c.d", "x=1;", "//", "/*", "*/",
]


def corpus():
    texts = [path.read_text() for path in sorted((ROOT / "docs").glob("*.md"))[:4]]
    lines = [line for text in texts for line in text.splitlines() if line.strip()]
    return lines[:400] + SENTENCES * 4


class Texts:
    """Random texts, the same for the same seed."""

    def __init__(self, seed, tokens=()):
        self.random = random.Random(seed)
        self.tokens = list(tokens)

    def character(self):
        r = self.random
        kind = r.randrange(6)
        if kind == 0:
            return chr(r.randrange(128))
        if kind == 1:
            return chr(r.randrange(0x80, 0x800))
        if kind == 2:
            return chr(r.randrange(0x800, 0xD800))
        if kind == 3:
            return chr(r.choice([0x300, 0x1F300, 0x4E00, 0xAC00, 0x3040, 0x900]) + r.randrange(0x60))
        if kind == 4:
            return chr(r.randrange(0xE000, 0x10000))
        return chr(r.randrange(0x10000, 0x20000))

    def piece(self):
        r = self.random
        kind = r.randrange(12)
        if kind < 5:
            return r.choice(STRETCHES)
        if kind < 7:
            words = r.choice(SENTENCES).split(" ")
            at = r.randrange(len(words))
            return " ".join(words[at:at + r.randrange(1, 4)])
        if kind == 7 and self.tokens:
            return r.choice(self.tokens)
        if kind == 8:
            return r.choice([" ", "a", "1", "\n", "é", "ab"]) * r.randrange(1, 20)
        return "".join(self.character() for _ in range(r.randrange(1, 4)))

    def text(self, most=8):
        return "".join(self.piece() for _ in range(self.random.randrange(most)))


SPECIAL = ["<unk>", "<s>", "</s>", "<pad>", "<|im_start|>", "<|im_end|>"]
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
          r"|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
TAIL = r"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
TEKKEN = (rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+|[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*|\p{{N}}" + TAIL)
SHORT = "(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
GPT4O = (rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+{SHORT}|[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*{SHORT}"
         r"|\p{N}{1,3}" + TAIL)
DEEPSEEK = (r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"
            r"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")


def split(pattern):
    return pre_tokenizers.Split(Regex(pattern), "isolated")


def byte_level(splits=(), prefix=False, use_regex=True, size=700, **bpe):
    """Byte-level BPE behind these pre-tokenizers."""
    tokenizer = Tokenizer(models.BPE(**bpe))
    last = pre_tokenizers.ByteLevel(add_prefix_space=prefix, use_regex=use_regex)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([*splits, last]) if splits else last
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(corpus(), trainers.BpeTrainer(
        vocab_size=size, special_tokens=SPECIAL, show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    return tokenizer


def around(tokenizer, before=(), after=()):
    template = [*before, "$A", *after]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=template, special_tokens=[(t, tokenizer.token_to_id(t)) for t in {*before, *after}])
    return tokenizer


def with_normalizer(tokenizer, normalizer):
    """Normalizers that do not change the alphabet may come after the training."""
    tokenizer.normalizer = normalizer
    return tokenizer


def gpt_neox():
    tokenizer = with_normalizer(byte_level(), normalizers.NFC())
    tokenizer.add_tokens([AddedToken(" " * n, normalized=False) for n in range(24, 1, -1)])
    return tokenizer


def roberta():
    tokenizer = byte_level(prefix=True)
    tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True, special=True)])
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 1), add_prefix_space=True)
    return tokenizer


def added_tokens():
    """Every switch of an added token."""
    tokenizer = with_normalizer(byte_level(), normalizers.Lowercase())
    tokenizer.add_tokens([
        AddedToken("Hello", normalized=True), AddedToken("world", single_word=True, normalized=False),
        AddedToken("[L]", lstrip=True, normalized=False), AddedToken("[R]", rstrip=True, normalized=False),
        AddedToken("[LR]", lstrip=True, rstrip=True, normalized=True),
        AddedToken("été", single_word=True, normalized=True), AddedToken("[L][R]", normalized=False)])
    return tokenizer


def gemma():
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    special = SPECIAL + [f"<0x{b:02X}>" for b in range(256)]
    tokenizer.train_from_iterator(corpus(), trainers.BpeTrainer(
        vocab_size=900, special_tokens=special, show_progress=False, max_token_length=16))
    return around(tokenizer, ["<s>"])


def unigram(normalizer, scheme="always", size=500, **metaspace):
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme, **metaspace)
    tokenizer.decoder = decoders.Metaspace(prepend_scheme=scheme, **metaspace)
    tokenizer.train_from_iterator(corpus(), trainers.UnigramTrainer(
        vocab_size=size, special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"], unk_token="<unk>",
        show_progress=False))
    return tokenizer


def xlm_roberta():
    charsmap = proto(train_sentence_piece("unigram")).normalizer_spec.precompiled_charsmap
    tokenizer = unigram(normalizers.Sequence([
        normalizers.Precompiled(charsmap), normalizers.Replace(Regex(" {2,}"), " ")]))
    return around(tokenizer, ["<s>"], ["</s>"])


def albert():
    tokenizer = unigram(normalizers.Sequence([
        normalizers.Replace("``", '"'), normalizers.Replace("''", '"'), normalizers.NFKD(),
        normalizers.StripAccents(), normalizers.Lowercase(), normalizers.Strip()]))
    tokenizer.add_special_tokens([AddedToken("[MASK]", lstrip=True)])
    return tokenizer


def word_piece(lowercase=True, **model):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", **model))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.train_from_iterator(corpus(), trainers.WordPieceTrainer(
        vocab_size=700, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], show_progress=False))
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return tokenizer


def word_level():
    tokenizer = Tokenizer(models.WordLevel(unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Whitespace(), pre_tokenizers.Digits(), pre_tokenizers.Punctuation("merged_with_next")])
    tokenizer.train_from_iterator(corpus(), trainers.WordLevelTrainer(
        vocab_size=600, special_tokens=SPECIAL, show_progress=False))
    return tokenizer


def clip():
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>", fuse_unk=False))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.decoder = decoders.BPEDecoder("</w>")
    tokenizer.train_from_iterator(corpus(), trainers.BpeTrainer(
        vocab_size=700, special_tokens=SPECIAL, show_progress=False, end_of_word_suffix="</w>"))
    return tokenizer


TOKENIZERS = {
    "added-tokens": added_tokens,
    "albert": albert,
    "bert-cased": lambda: word_piece(False, max_input_chars_per_word=12),
    "clip": clip,
    "deepseek-v3": lambda: around(byte_level(
        [split(r"\p{N}{1,3}"), split("[一-龥\u3040-ゟ゠-ヿ]+"), split(DEEPSEEK)], use_regex=False), ["<s>"]),
    "falcon": lambda: byte_level([pre_tokenizers.Punctuation("contiguous")]),
    "gemma": gemma,
    "gpt-4o": lambda: byte_level([split(GPT4O)], use_regex=False),
    "gpt-neox": gpt_neox,
    "llama3": lambda: around(byte_level([split(LLAMA3)], use_regex=False, ignore_merges=True), ["<s>"]),
    "qwen2": lambda: with_normalizer(byte_level([split(QWEN2)], use_regex=False), normalizers.NFC()),
    "roberta": roberta,
    "smollm": lambda: byte_level([pre_tokenizers.Digits(individual_digits=True)]),
    "tekken": lambda: around(byte_level([split(TEKKEN)], use_regex=False, ignore_merges=True), ["<s>"]),
    "word-level": word_level,
    "xlm-roberta": xlm_roberta,
}

# Rules of our own for a small precompiled_charsmap: code points to code points.
RULES = {"ﬁ": "fi", "ﬃ": "ffi", "\u3000": " ", "\u00a0": " ", "\t": " ", "\n": " ", "e\u0301": "é", "½": "1⁄2",
         "…": "...", "\u200b": "", "Ａ": "A", "ａ": "a", "１": "1", "ｶﾞ": "ガ", "\u1112\u1161\u11ab": "한"}


def train_sentence_piece(kind, **options):
    with tempfile.TemporaryDirectory() as folder:
        rules = pathlib.Path(folder) / "rules.tsv"
        rules.write_text("".join(
            " ".join(f"{ord(c):X}" for c in a) + "\t" + " ".join(f"{ord(c):X}" for c in b) + "\n"
            for a, b in RULES.items()))
        model = io.BytesIO()
        settings = {"normalization_rule_tsv": str(rules), "vocab_size": 600, "hard_vocab_limit": False,
                    "minloglevel": 2, "num_threads": 1, **options}
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(corpus()), model_writer=model, model_type=kind, **settings)
        return model.getvalue()


def proto(model):
    out = sentencepiece_model_pb2.ModelProto()
    out.ParseFromString(model)
    return out


SENTENCE_PIECES = {
    "sp-bpe": lambda: train_sentence_piece("bpe", byte_fallback=True, vocab_size=900,
                                           remove_extra_whitespaces=False, normalization_rule_name="identity",
                                           normalization_rule_tsv=""),
    "sp-bpe-symbols": lambda: train_sentence_piece("bpe", user_defined_symbols=["<tool>", "[X]"]),
    "sp-unigram": lambda: train_sentence_piece("unigram"),
    "sp-unigram-bytes": lambda: train_sentence_piece("unigram", byte_fallback=True, add_dummy_prefix=False,
                                                     vocab_size=900),
}


def older(name, files, **config):
    """The files of a tokenizer from before tokenizer.json, as texts by name."""
    return {**files, "tokenizer_config.json": json.dumps({"tokenizer_class": name, "model_max_length": 512, **config})}


def older_words():
    vocab = word_piece().get_vocab()
    return older("BertTokenizer", {"vocab.txt": "".join(t + "\n" for t in sorted(vocab, key=vocab.get))},
                 do_lower_case=True)


def older_merges(name, files=(), **config):
    model = json.loads(byte_level().to_str())["model"]
    merges = "".join(" ".join(merge) + "\n" for merge in model["merges"])
    return older(name, {"vocab.json": json.dumps(model["vocab"], ensure_ascii=False),
                        "merges.txt": "#version: 0.2\n" + merges, **dict(files)}, **config)


MASK = {"__type": "AddedToken", "content": "<mask>", "lstrip": True}
NAMED = dict(bos_token="<s>", eos_token="</s>", unk_token="<unk>")
OLDER = {
    "older-bert": older_words,
    "older-gpt2": lambda: older_merges("GPT2Tokenizer", {
        "added_tokens.json": json.dumps({"<|tool|>": 700, "<new>": 701}),
        "special_tokens_map.json": json.dumps({"pad_token": "<|tool|>"})}, **NAMED),
    "older-roberta": lambda: older_merges("RobertaTokenizer",
                                          mask_token=MASK, **NAMED),
}


def converted(folder):
    """transformers' conversion of a SentencePiece model, which normalizes by graphemes and adds scores as doubles."""
    from transformers.convert_slow_tokenizer import SpmConverter
    model = proto((folder / "tokenizer.model").read_bytes())
    if model.trainer_spec.model_type == 1:
        vocab = [(piece.piece, piece.score) for piece in model.pieces]
    else:
        vocab = {piece.piece: i for i, piece in enumerate(model.pieces)}
    return SpmConverter.build_tokenizer_from_spm_proto(model, vocab)


def agreed(folder, oracle, texts):
    """Where the model is SentencePiece's: the texts of which its conversion makes the same ids."""
    if isinstance(oracle, Tokenizer):
        return texts
    other = converted(folder)
    return [text for text in texts if other.encode(text, add_special_tokens=False).ids == oracle.encode(text)]


def vector(oracle, text):
    if isinstance(oracle, Tokenizer):
        ids = oracle.encode(text, add_special_tokens=False).ids
        return {"text": text, "ids": ids, "ids_special": oracle.encode(text).ids,
                "decoded": oracle.decode(ids, skip_special_tokens=False)}
    return {"text": text, "ids": oracle.encode(text)}


def load(folder):
    if (folder / "tokenizer.json").exists():
        return Tokenizer.from_file(str(folder / "tokenizer.json"))
    if not (folder / "tokenizer.model").exists():
        from transformers import AutoTokenizer
        return AutoTokenizer.from_pretrained(folder).backend_tokenizer
    return sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))


def texts_for(oracle, seed, count):
    """Empty, then random. SentencePiece never reads the spelling of a byte piece (or of a control symbol), while
    tokenizers does; Lathe follows tokenizers, so such texts are left out for SentencePiece."""
    if not isinstance(oracle, Tokenizer):
        made = Texts(seed)
        return [""] + [made.text().replace("<0x41>", "") for _ in range(count - 1)]
    made = Texts(seed, [t["content"] for t in json.loads(oracle.to_str())["added_tokens"]])
    return [""] + [made.text() for _ in range(count - 1)]


def lines(rows):
    return "".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows)


def write_all(names):
    for name, make in {**TOKENIZERS, **SENTENCE_PIECES, **OLDER}.items():
        if names and name not in names:
            continue
        folder = OUT / name
        folder.mkdir(parents=True, exist_ok=True)
        made = make()
        if isinstance(made, Tokenizer):
            (folder / "tokenizer.json").write_text(made.to_str())
        elif isinstance(made, dict):
            for file, text in made.items():
                (folder / file).write_text(text)
        else:
            (folder / "tokenizer.model").write_bytes(made)
        oracle = load(folder)
        texts = agreed(folder, oracle, texts_for(oracle, name, VECTORS * 2))
        rows = [vector(oracle, text) for text in texts[:VECTORS]]
        (folder / "vectors.jsonl").write_text(lines(rows))
        print(name, sum(path.stat().st_size for path in folder.iterdir()) // 1024, "KiB")


def compare(lathe, folder, count):
    """The first texts on which the two differ, at most five, and how many do."""
    oracle = load(folder)
    texts = agreed(folder, oracle, texts_for(oracle, f"compare {folder.name}", count + count // 5))
    wanted = [vector(oracle, text) for text in texts[:count]]
    with tempfile.TemporaryDirectory() as temporary:
        rows = pathlib.Path(temporary) / "rows.jsonl"
        rows.write_text(lines({"text": row["text"]} for row in wanted))
        file = next((f for f in ("tokenizer.json", "tokenizer.model") if (folder / f).exists()), "")
        out = subprocess.run([lathe, "inspect", "tokens", str(folder / file), "--jsonl", str(rows), "--json"],
                             check=True, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C.UTF-8"})
    # Not splitlines(): texts hold other line ends than these.
    given = [json.loads(line) for line in out.stdout.split("\n") if line]
    assert len(given) == len(wanted), (len(given), len(wanted))
    differ = [(w, g) for w, g in zip(wanted, given) if any(w[k] != g[k] for k in w if k != "text")]
    return len(differ), differ[:5]


def compare_all(lathe, folders, count):
    known = sorted(OUT.iterdir()) + sorted((ROOT / "testdata/goldens/tokenizers").iterdir())
    failed = 0
    print("| tokenizer | texts | different |\n|---|---|---|")
    for folder in [pathlib.Path(f) for f in folders] or known:
        different, examples = compare(lathe, folder, count)
        failed += different
        print(f"| {folder.name} | {count} | {different} |", flush=True)
        for w, g in examples:
            key = next(k for k in w if k != "text" and w[k] != g[k])
            print("  ", ascii(w["text"]), key, ascii(w[key])[:300], "lathe:", ascii(g[key])[:300], file=sys.stderr)
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--compare", metavar="LATHE", help="the program to compare with the libraries")
    parser.add_argument("--count", type=int, default=10000)
    parser.add_argument("folders", nargs="*", metavar="DIR")
    options = parser.parse_args()
    if options.compare:
        sys.exit(compare_all(options.compare, options.folders, options.count))
    write_all(options.folders)


if __name__ == "__main__":
    main()
