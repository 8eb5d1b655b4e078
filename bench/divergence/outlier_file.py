"""The command line of bench/outlier_model, and the GGUF file that it writes."""
import argparse
from pathlib import Path

import gguf

from .outliers import Sizes, Weights

STARTER = Path(__file__).resolve().parent.parent.parent / "starter" / "lathe-starter.gguf"


def write_description(writer, sizes, context):
    writer.add_name("outliers")
    writer.add_context_length(context)
    writer.add_embedding_length(sizes.width)
    writer.add_block_count(sizes.layers)
    writer.add_feed_forward_length(sizes.middle)
    writer.add_head_count(sizes.heads)
    writer.add_head_count_kv(sizes.kv_heads)
    writer.add_rope_dimension_count(sizes.head)
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(1e-5)


def copy_tokenizer(reader, writer):
    """The number of its tokens."""
    for name, field in reader.fields.items():
        if name.startswith("tokenizer."):
            element = field.types[-1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
            writer.add_key_value(name, field.contents(), field.types[0], element)
    return len(reader.fields["tokenizer.ggml.tokens"].data)


def make_parser(text):
    parser = argparse.ArgumentParser(prog="bench/outlier_model", description=text,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", metavar="FILE", required=True)
    for name, value in (("width", 512), ("layers", 8), ("heads", 8), ("kv-heads", 4), ("middle", 1536), ("seed", 1)):
        parser.add_argument("--" + name, type=int, default=value, help=f"default: {value}")
    parser.add_argument("--strength", type=float, default=40, help="of the greatest outlier (40); 1: none")
    return parser


def main(text, arguments=None):
    options = make_parser(text).parse_args(arguments)
    sizes = Sizes(options.width, options.layers, options.heads, options.kv_heads, options.middle)
    writer = gguf.GGUFWriter(options.out, "llama")
    write_description(writer, sizes, context=1024)
    vocabulary = copy_tokenizer(gguf.GGUFReader(STARTER), writer)
    for name, tensor in Weights(sizes, vocabulary, options.strength, options.seed).tensors.items():
        writer.add_tensor(name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return 0
