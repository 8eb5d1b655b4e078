"""The result as Markdown and as JSON."""
from .rounds import needed_bytes


def processor_name():
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as info:
            names = [line.split(":", 1)[1].strip() for line in info if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else "unknown"


# What tells processors of a name apart that kernels care for, as /proc/cpuinfo spells it.
EXTENSIONS = ("avx2", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_int8", "amx_bf16",
              "asimddp", "i8mm", "sve")


def processor_extensions():
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as info:
            flags = next((line.split(":", 1)[1].split() for line in info if line.startswith(("flags", "Features"))), [])
    except OSError:
        flags = []
    return [name for name in EXTENSIONS if name in flags]


def format_value(value, unit):
    if unit == "s":
        return f"{value:.3f} s"
    if unit == "MiB":
        return f"{value:,.0f} MiB"
    return f"{value:,.1f}" if value < 1000 else f"{value:,.0f}"


def format_cell(cell, unit):
    if cell is None:
        return "-"
    return "failed" if cell.error else format_value(cell.median, unit)


def format_ratio(row):
    ratio = row.ratio()
    if ratio is None:
        return "-"
    of = {"s": " of its time", "MiB": " of its memory"}.get(row.test.unit, " times")
    return f"{ratio:.2f}{of}"


def decode_of(rows, row):
    """The row of the same model that decodes one answer."""
    return next((r for r in rows if r.model == row.model and r.test.kind == "decode"), None)


def limit_of(rows, row):
    """What stands beside Lathe's number: a share of the machine's limit, the gain of a batch, or the memory needed."""
    own = row.cells.get("Lathe")
    if own is None or own.median is None:
        return "-"
    if row.test.kind == "memory":
        return f"{own.median * 2**20 / needed_bytes(row.model):.2f} of file and KV"
    if row.test.kind == "batch":
        one = decode_of(rows, row)
        alone = one.cells["Lathe"].median if one else None
        return f"{own.median / alone:.1f} times one" if alone else "-"
    return f"{100 * own.share:.0f} % of {own.readings[0].limit}" if own.share else "-"


def model_table(rows, labels):
    head = ["", *labels, "Lathe to the better peer", "Lathe to the limit"]
    lines = [head, ["---"] * len(head)]
    for row in rows:
        cells = [format_cell(row.cells.get(label), row.test.unit) for label in labels]
        lines.append([row.test.title, *cells, format_ratio(row), limit_of(rows, row)])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def build_of(rows, label):
    return next((r.build for row in rows if label in row.cells for r in row.cells[label].readings if r.build), "")


def markdown(rows, contestants, options):
    """A table a model; tokens a second unless a unit is said. Paths are left out: results are published."""
    labels = [c.label for c in contestants]
    builds = [f"{label} build {build_of(rows, label)}" for label in labels if build_of(rows, label)]
    out = [f"{processor_name()} ({', '.join(processor_extensions())}), {options.threads} threads, medians of "
           f"{options.rounds} rounds, tokens/s.", *([", ".join(builds) + "."] if builds else [])]
    for model in options.models:
        out += ["", f"## {model.stem}", model_table([r for r in rows if r.model == model], labels)]
    return "\n".join(out)


def row_data(rows, row):
    peer = row.better_peer()
    data = {"model": row.model.name, "test": row.test.name, "unit": row.test.unit,
            "readings": {label: [r.value for r in cell.readings] for label, cell in row.cells.items()},
            "medians": {label: cell.median for label, cell in row.cells.items()},
            "errors": {label: cell.error for label, cell in row.cells.items() if cell.error},
            "better_peer": peer[0] if peer else None, "ratio": row.ratio()}
    own = row.cells.get("Lathe")
    if own and own.share:
        data.update(share=own.share, of=own.readings[0].limit)
    if row.test.kind == "memory":
        data["needed_mebibytes"] = needed_bytes(row.model) / 2**20
    return data


def as_data(rows, contestants, options):
    return {"processor": processor_name(), "extensions": processor_extensions(), "threads": options.threads,
            "rounds": options.rounds,
            "contestants": [{"label": c.label, "build": build_of(rows, c.label)} for c in contestants],
            "results": [row_data(rows, row) for row in rows]}
