"""Random valid configurations of each decoder family, and of the files that they come in.

Used by check_families.py and check_adapters.py.  `draw(family, rng)` gives a Case: what transformers is asked for, and
how the folder that it saves is changed into what users have: configs of older releases, weights in halves, shards,
names with another prefix, buffers that early files carry.
"""
import dataclasses

ACTIVATIONS = ("silu", "swish", "gelu", "gelu_new", "gelu_pytorch_tanh", "gelu_fast", "gelu_python", "gelu_accurate",
               "gelu_python_tanh", "relu", "relu2", "quick_gelu", "tanh", "sigmoid")


@dataclasses.dataclass
class Case:
    family: str
    settings: dict                # of transformers' configuration class
    rope_spelling: str = "new"    # "new": rope_parameters; "rope_type" or "type": rope_scaling with that key
    drops_defaults: bool = False  # config.json leaves out what equals the class's default
    torch_dtype: bool = False     # "torch_dtype" in place of "dtype"
    dtype: str = "float32"
    shards: int = 1
    prefix: bool = True           # False: names without what the whole model puts before
    head_too: bool = False        # lm_head.weight although tied
    buffers: bool = False         # of early files
    old_names: bool = False       # Falcon's first config (RefinedWeb)


def chance(rng, probability):
    return rng.random() < probability


def sizes(rng, own_head_dim=False, kv=True):
    heads = rng.choice((1, 2, 3, 4, 6, 8))
    head_dim = rng.choice((4, 6, 8, 10, 12, 16, 20))
    out = dict(num_attention_heads=heads, hidden_size=heads * head_dim)
    if own_head_dim and chance(rng, 0.6):
        out["hidden_size"] = heads * rng.choice((4, 5, 7, 8, 10))
        out["head_dim"] = head_dim
    if kv:
        out["num_key_value_heads"] = rng.choice([k for k in range(1, heads + 1) if heads % k == 0])
    out.update(vocab_size=rng.randint(40, 200), num_hidden_layers=rng.randint(1, 4),
               max_position_embeddings=rng.randint(40, 90), intermediate_size=rng.randint(8, 64))
    return out


def head_dim_of(settings):
    return settings.get("head_dim") or settings["hidden_size"] // settings["num_attention_heads"]


def rope(rng, settings, kinds, share=1.0, theta=(500.0, 10000.0, 100000.0, 1e6)):
    kind = rng.choice(kinds)
    positions = settings["max_position_embeddings"]
    out = {"rope_type": kind, "rope_theta": rng.choice(theta)}
    if share != 1.0:
        out["partial_rotary_factor"] = share
    if kind in ("linear", "dynamic", "yarn", "llama3"):
        out["factor"] = rng.choice((1.0, 1.5, 2.0, 4.0, 8.0))
    if kind in ("yarn", "llama3", "longrope"):
        out["original_max_position_embeddings"] = rng.choice((8, 16, 32, positions))
    if kind == "llama3":
        low = rng.choice((0.5, 1.0, 2.0))
        out.update(low_freq_factor=low, high_freq_factor=low * rng.choice((2.0, 4.0)))
    if kind == "yarn":
        for key, values in dict(attention_factor=(None, 0.8, 1.3), beta_fast=(None, 16.0, 32), beta_slow=(None, 1, 2.0),
                                mscale=(None, 0.7, 1.0), mscale_all_dim=(None, 0.4, 1.0),
                                truncate=(True, False)).items():
            if chance(rng, 0.4):
                out[key] = rng.choice(values)
    if kind == "longrope":
        pairs = int(head_dim_of(settings) * share) // 2
        out["short_factor"] = [round(rng.uniform(0.8, 2.0), 3) for _ in range(pairs)]
        out["long_factor"] = [round(rng.uniform(1.0, 9.0), 3) for _ in range(pairs)]
        if chance(rng, 0.3):
            out["factor"] = rng.choice((2.0, 4.0))
        if chance(rng, 0.3):
            out["attention_factor"] = rng.choice((0.9, 1.2))
    return out


ROPES = ("default", "default", "linear", "dynamic", "yarn", "llama3", "longrope")


def with_rope(rng, settings):
    if chance(rng, 0.9):
        settings["rope_parameters"] = rope(rng, settings, ROPES)
    return settings


def base(rng, settings, tied=0.3):
    """What every class has; a field is left to its default now and then."""
    for key, value in dict(hidden_act=rng.choice(ACTIVATIONS), rms_norm_eps=rng.choice((1e-6, 1e-5, 1e-3)),
                           tie_word_embeddings=chance(rng, tied)).items():
        if chance(rng, 0.8):
            settings[key] = value
    return settings


def layer_types(rng, layers):
    return [rng.choice(("full_attention", "sliding_attention")) for _ in range(layers)]


def draw_llama(rng):
    s = with_rope(rng, base(rng, sizes(rng, own_head_dim=True)))
    s.update(attention_bias=chance(rng, 0.3), mlp_bias=chance(rng, 0.3))
    return s


def draw_smollm(rng):
    s = base(rng, sizes(rng))
    s.update(tie_word_embeddings=True, hidden_act="silu", rope_parameters=rope(rng, s, ("default",)))
    return s


def draw_mistral(rng):
    s = with_rope(rng, base(rng, sizes(rng, own_head_dim=True)))
    if chance(rng, 0.8):
        s["sliding_window"] = rng.choice((None, 1, 3, 8, 30, 4096))
    return s


def draw_mixtral(rng):
    s = draw_mistral(rng)
    s["num_local_experts"] = rng.randint(1, 6)
    s["num_experts_per_tok"] = rng.randint(1, s["num_local_experts"])
    return s


def windows(rng, s):
    if chance(rng, 0.6):
        s["use_sliding_window"] = True
        if chance(rng, 0.8):
            s["sliding_window"] = rng.choice((2, 5, 20, 4096))
        if chance(rng, 0.7):
            s["max_window_layers"] = rng.randint(0, s["num_hidden_layers"])
    return s


def draw_qwen2(rng):
    s = windows(rng, with_rope(rng, base(rng, sizes(rng))))
    if s.get("use_sliding_window") and chance(rng, 0.3):
        s["layer_types"] = layer_types(rng, s["num_hidden_layers"])
    return s


def draw_qwen3(rng):
    s = with_rope(rng, base(rng, sizes(rng)))
    s.update(head_dim=rng.choice((4, 6, 8, 12, 16, 20)), attention_bias=chance(rng, 0.3))
    if "rope_parameters" in s:
        s["rope_parameters"] = rope(rng, s, ROPES)
    return windows(rng, s)


def draw_qwen3_moe(rng):
    s = draw_qwen3(rng)
    s.pop("layer_types", None)
    s["num_experts"] = rng.randint(1, 6)
    s["num_experts_per_tok"] = rng.randint(1, s["num_experts"])
    s["moe_intermediate_size"] = rng.randint(8, 40)
    for key, value in dict(norm_topk_prob=chance(rng, 0.5), decoder_sparse_step=rng.randint(1, 3),
                           mlp_only_layers=rng.sample(range(s["num_hidden_layers"]),
                                                      rng.randint(0, s["num_hidden_layers"]))).items():
        if chance(rng, 0.7):
            s[key] = value
    return s


def gemma(rng):
    s = sizes(rng)
    s.update(head_dim=rng.choice((4, 6, 8, 12, 16)), query_pre_attn_scalar=rng.choice((4, 16, 20, 256)),
             hidden_activation=rng.choice(ACTIVATIONS), rms_norm_eps=rng.choice((1e-6, 1e-3)),
             attention_bias=chance(rng, 0.2), tie_word_embeddings=chance(rng, 0.7))
    if chance(rng, 0.85):
        s["sliding_window"] = rng.choice((1, 4, 7, 20, 4096))
    for key in ("attn_logit_softcapping", "final_logit_softcapping"):
        if chance(rng, 0.7):
            s[key] = rng.choice((None, 2.0, 5.0, 30.0))
    if chance(rng, 0.5):
        s["layer_types"] = layer_types(rng, s["num_hidden_layers"])
    return s


def draw_gemma2(rng):
    return with_rope(rng, gemma(rng))


def draw_gemma3_text(rng):
    s = gemma(rng)
    s["num_hidden_layers"] = rng.randint(1, 7)
    if "layer_types" in s:
        s["layer_types"] = layer_types(rng, s["num_hidden_layers"])
    elif chance(rng, 0.5):
        s["sliding_window_pattern"] = rng.randint(1, 4)
    if chance(rng, 0.8):
        ropes = {"full_attention": rope(rng, s, ("default", "linear", "llama3")),
                 "sliding_attention": rope(rng, s, ("default", "default", "linear"))}
        s["rope_parameters"] = {k: v for k, v in ropes.items() if chance(rng, 0.9)}
        for parameters in s["rope_parameters"].values():
            if chance(rng, 0.2) and parameters["rope_type"] != "llama3":
                del parameters["rope_theta"]
    return s


def draw_phi3(rng):
    s = base(rng, sizes(rng))
    share = rng.choice((1.0, 1.0, 0.5, 0.75))
    if int(head_dim_of(s) * share) % 2:
        share = 1.0
    s["rope_parameters"] = rope(rng, s, ("default", "longrope"), share)
    if s["rope_parameters"]["rope_type"] == "longrope":
        s["original_max_position_embeddings"] = s["rope_parameters"]["original_max_position_embeddings"]
    s.update(sliding_window=rng.choice((None, 3, 9, 2048)), pad_token_id=0)
    return s


def draw_falcon(rng):
    layout = rng.choice(("7b", "40b", "rw", "mixed"))
    s = sizes(rng, kv=False)
    kv_heads = rng.choice([k for k in range(1, s["num_attention_heads"] + 1) if s["num_attention_heads"] % k == 0])
    s.pop("intermediate_size")
    if chance(rng, 0.3):
        s["ffn_hidden_size"] = rng.randint(8, 64)
    if layout == "7b":
        s.update(multi_query=True, parallel_attn=True, new_decoder_architecture=False, bias=False, alibi=False)
    elif layout == "40b":
        s.update(new_decoder_architecture=True, num_kv_heads=kv_heads, bias=chance(rng, 0.2), alibi=chance(rng, 0.2))
        if chance(rng, 0.4):
            s["num_ln_in_parallel_attn"] = rng.choice((1, 2))
    elif layout == "rw":
        s.update(multi_query=False, parallel_attn=False, new_decoder_architecture=False, bias=True, alibi=True)
    else:
        s.update(multi_query=chance(rng, 0.5), parallel_attn=chance(rng, 0.5), new_decoder_architecture=False,
                 bias=chance(rng, 0.5), alibi=chance(rng, 0.5))
    if chance(rng, 0.5):
        s["activation"] = rng.choice(ACTIVATIONS)
    s.update(tie_word_embeddings=chance(rng, 0.7), layer_norm_epsilon=rng.choice((1e-5, 1e-3)))
    if not s["alibi"] and chance(rng, 0.5):
        s["rope_parameters"] = rope(rng, s, ROPES)
    return s


def draw_gpt2(rng):
    s = sizes(rng, kv=False)
    heads = s["num_attention_heads"]
    width = heads * rng.choice((3, 4, 5, 8, 12))
    s = dict(vocab_size=s["vocab_size"], n_positions=s["max_position_embeddings"], n_layer=s["num_hidden_layers"],
             n_head=heads, n_embd=width)
    for key, value in dict(n_inner=rng.randint(8, 64), activation_function=rng.choice(ACTIVATIONS),
                           layer_norm_epsilon=rng.choice((1e-5, 1e-3)), scale_attn_weights=False,
                           scale_attn_by_inverse_layer_idx=True, reorder_and_upcast_attn=True,
                           tie_word_embeddings=False).items():
        if chance(rng, 0.35):
            s[key] = value
    return s


def draw_gpt_neox(rng):
    s = sizes(rng, kv=False)
    share = rng.choice((0.25, 0.5, 1.0, 0.4))
    if int(head_dim_of(s) * share) == 0:
        share = 1.0
    kinds = ROPES if int(head_dim_of(s) * share) % 2 == 0 else ("default", "linear")
    s["rope_parameters"] = {**rope(rng, s, kinds, share), "partial_rotary_factor": share}
    s.update(use_parallel_residual=chance(rng, 0.6), attention_bias=chance(rng, 0.7),
             hidden_act=rng.choice(ACTIVATIONS), layer_norm_eps=rng.choice((1e-5, 1e-3)),
             tie_word_embeddings=chance(rng, 0.2))
    return s


DRAWS = {name[5:]: function for name, function in list(globals().items()) if name.startswith("draw_")}
FAMILIES = tuple(DRAWS)
MODEL_TYPES = {"smollm": "llama"}
OPTIONAL_PREFIX = ("gpt2", "falcon", "gpt_neox", "llama", "smollm", "mistral", "qwen2", "qwen3", "gemma2",
                   "gemma3_text", "phi3")


def draw(family, rng):
    settings = DRAWS[family](rng)
    if chance(rng, 0.7):  # else the class's own, which may lie outside a small vocabulary
        settings.update(bos_token_id=1, eos_token_id=rng.choice((2, [2, 3])))
    case = Case(family, settings)
    case.rope_spelling = rng.choice(("new", "rope_type", "type"))
    if family == "gemma3_text" and case.rope_spelling == "type":
        case.rope_spelling = "rope_type"  # its class takes "type" for an unknown key
    case.drops_defaults = chance(rng, 0.4)
    case.torch_dtype = chance(rng, 0.3)
    case.dtype = rng.choice(("float32", "float32", "float16", "bfloat16"))
    case.shards = rng.choice((1, 1, 2))
    case.buffers = chance(rng, 0.25)
    tied = settings.get("tie_word_embeddings", family in ("gemma2", "gemma3_text", "falcon", "gpt2"))
    case.head_too = tied and chance(rng, 0.3)
    case.prefix = not (family in OPTIONAL_PREFIX and tied and not case.head_too and chance(rng, 0.3))
    case.old_names = family == "falcon" and chance(rng, 0.3)
    return case
