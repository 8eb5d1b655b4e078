"""Results as Markdown and as JSON."""


def format_kl(value):
    """Nats in thousandths."""
    return f"{1000 * value:.3g}"


def format_ratio(ratio):
    return "{:.2f} ({:.2f} to {:.2f})".format(*ratio) if ratio else ""


def line(result, label):
    figures = result.distances[label].figures()
    return [label, format_kl(figures["mean_kl"]), format_ratio(result.ratio(label)), format_kl(figures["kl_99"]),
            format_kl(figures["max_kl"]), f"{100 * figures['same_top']:.1f} %"]


def markdown(results):
    """Paths are left out: results are published."""
    head = ["file", "", "mean KL", "times llama.cpp's", "99 %", "greatest", "same likeliest"]
    lines = [head, ["---"] * len(head)]
    for result in results:
        name = result.model.stem
        for label in result.distances:
            lines.append([name, *line(result, label)])
            name = ""
    out = ["KL divergences from f32 in thousandths of a nat; ratios of means with 95 % intervals.", ""]
    out += ["| " + " | ".join(cells) + " |" for cells in lines]
    gaps = [f"{r.model.stem} {r.oracle_gap:.2g}" for r in results if r.oracle_gap is not None]
    if gaps:
        out += ["", "Greatest difference of Lathe's f32 logits from transformers': " + ", ".join(gaps) + "."]
    return "\n".join(out)


def figures_of(result, label):
    return {**result.distances[label].figures(), "ratio": result.ratio(label)}


def as_data(results):
    return [{"model": r.model.name, "positions": r.positions, "oracle_gap": r.oracle_gap,
             "figures": {label: figures_of(r, label) for label in r.distances}} for r in results]
