"""Runs one process to its end: what it printed, when the first byte came, and how much memory it took at most."""
import os
import re
import select
import shlex
import subprocess
import tempfile
import time
from dataclasses import dataclass

from .failure import Failure

LONGEST = 3600  # seconds; a peer that hangs must not stop the others for ever


@dataclass
class Outcome:
    output: str
    errors: str
    first_byte: float  # seconds from before exec to the first byte on standard output; infinity without one
    peak_bytes: int  # 0 where it was not watched


def peak_of(pid):
    """The most memory that the process had resident so far; its rusage would count what this one had at the fork."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as status:
            found = re.search(r"VmHWM:\s*(\d+) kB", status.read())
    except OSError:
        return 0
    return int(found[1]) * 1024 if found else 0


def read_all(child, begin, watches_memory):
    """Standard output to its end. Memory is looked at every few milliseconds: the kernel keeps the maximum, and forgets
    it with the process."""
    chunks, first, peak = [], float("inf"), 0
    while True:
        if watches_memory:
            peak = max(peak, peak_of(child.pid))
        ready, _, _ = select.select([child.stdout], [], [], 0.003 if watches_memory else LONGEST)
        if time.monotonic() - begin > LONGEST:
            child.kill()
            raise Failure(f"it ran for more than {LONGEST} s")
        if not ready:
            continue
        chunk = os.read(child.stdout.fileno(), 1 << 16)
        if not chunk:
            return b"".join(chunks).decode(errors="replace"), first, peak
        first = min(first, time.monotonic() - begin)
        chunks.append(chunk)


def run(command, watches_memory=False):
    """The command in an empty folder, as some peers write log files where they stand. Failure with its last words."""
    with tempfile.TemporaryDirectory(prefix="bench-cpu-") as folder, tempfile.TemporaryFile() as errors:
        begin = time.monotonic()
        try:
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
                                     cwd=folder)
        except OSError as error:
            raise Failure(f"{command[0]}: {error.strerror}") from error
        with child:
            output, first, peak = read_all(child, begin, watches_memory)
        errors.seek(0)
        told = errors.read().decode(errors="replace")
    if child.returncode != 0:
        last = " / ".join(line.strip() for line in told.strip().splitlines()[-3:])
        raise Failure(f"exit {child.returncode}: {last or 'it said nothing'}\n  {shlex.join(command)}")
    return Outcome(output, told, first, peak)
