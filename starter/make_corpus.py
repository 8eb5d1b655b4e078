#!/usr/bin/env python3
"""Writes the corpus of the starter model as JSON lines: see starter/README.md.

    python3 starter/make_corpus.py --out DIR --episodes N --seed S [--processes 2] [--heldout] [--check]

Episodes come in shards of 20,000; a shard depends only on the seed and its number, so the files are the
same whatever the number of processes.
"""
import argparse
import json
import multiprocessing
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from corpus import check, classify, copying, fluency, qa, tone  # noqa: E402
from corpus.draw import Draw  # noqa: E402
from corpus.episode import row  # noqa: E402

SHARD = 20000
# Shares of episodes, cumulated; the README has the shares of tokens that they come to.
MIX = ((qa.build, 0.62), (classify.build, 0.76), (copying.build, 0.84), (tone.build, 0.92), (fluency.build, 1.0))


def heldout_builders():
    """skill tag -> builder of chat episodes whose last answer is scored."""
    table = {f"passages-{n}": lambda d, n=n: qa.build(d, n) for n in (1, 3, 5)}
    table.update({"unknown": None, "classification": classify.build, "copying": lambda d: copying.build(d, True),
                  "tone": lambda d: tone.build(d, True), "fluency": lambda d: fluency.build(d, True)})
    table["unknown"] = qa.build
    return table


def shard_seed(seed, number, heldout=False):
    return f"lathe-starter:{seed}:{'heldout' if heldout else 'train'}:{number}"


def write_shard(job):
    """Writes one shard; returns (path, bytes, answers checked)."""
    path, count, seed, number, checked = job
    draw = Draw(shard_seed(seed, number))
    answers = 0
    encode = json.JSONEncoder(ensure_ascii=False).encode
    with open(path, "w", encoding="utf-8") as out:
        for _ in range(count):
            episode = draw.weighted(MIX)(draw)
            if checked:
                answers += check.episode(episode)
            out.write(encode(row(episode)) + "\n")
    return str(path), path.stat().st_size, answers


def last_turn_only(episode):
    """A question on passages asked first, without earlier turns: the form that retrieval sends."""
    messages = episode.messages
    if episode.skill != qa.SKILL or len(messages) < 4:
        return episode
    keep = [m for m in messages if m[0] == "system"]
    first = next(i for i, m in enumerate(messages) if m[0] == "user")
    return episode._replace(messages=keep + messages[first:first + 2], trace=episode.trace[:1])


def write_heldout(path, seed, per_skill):
    """Held-out episodes: another seed, and invented words that training never shows."""
    with open(path, "w", encoding="utf-8") as out:
        for number, (skill, build) in enumerate(sorted(heldout_builders().items())):
            draw = Draw(shard_seed(seed, number, heldout=True), heldout=True)
            written = 0
            while written < per_skill:
                episode = last_turn_only(build(draw))
                unknown = episode.messages[-1][1] == "unknown"
                if skill == "unknown" and not unknown or skill.startswith("passages") and unknown:
                    continue
                check.episode(episode)
                out.write(json.dumps(row(episode._replace(skill=skill)), ensure_ascii=False) + "\n")
                written += 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", required=True, type=Path, help="folder for train-000.jsonl, ...")
    parser.add_argument("--episodes", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--heldout", action="store_true", help="write heldout.jsonl instead of training files")
    parser.add_argument("--per-skill", type=int, default=300, help="held-out episodes a skill")
    parser.add_argument("--check", action="store_true", help="check every episode while writing")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    if args.heldout:
        write_heldout(args.out / "heldout.jsonl", args.seed, args.per_skill)
        return
    jobs = []
    for number in range((args.episodes + SHARD - 1) // SHARD):
        count = min(SHARD, args.episodes - number * SHARD)
        jobs.append((args.out / f"train-{number:03d}.jsonl", count, args.seed, number, args.check))
    began, total = time.monotonic(), 0
    with multiprocessing.Pool(args.processes) as pool:
        for path, size, answers in pool.imap(write_shard, jobs):
            total += size
            note = f", {answers} answers checked" if args.check else ""
            print(f"{path}: {size / 1e6:.1f} MB{note}", flush=True)
    spent = time.monotonic() - began
    print(f"{args.episodes} episodes, {total / 1e6:.1f} MB in {spent:.1f} s "
          f"({total / 1e6 / spent / args.processes:.1f} MB/s a process)")


if __name__ == "__main__":
    main()
