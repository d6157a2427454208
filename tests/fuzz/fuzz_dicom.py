"""A fuzz of DICOM input: files that are wrong in every way, for as long as one likes.

    python tests/fuzz/fuzz_dicom.py --minutes 60 --state fuzz     # goes on where it stopped
    python tests/fuzz/fuzz_dicom.py --case 1234                   # one case, here and now

Cases run in a child process with a limit on its memory; the parent ends it when a case takes too
long, notes the case as a defect, and starts another. A clean result and a ``HilumError`` are
right, everything else is a defect: another exception, a crash, a peak of memory or a time beyond
the limits of ``fuzz_cases``. Defects lie in the state folder with the file that made them.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import select
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

WALL_SECONDS = 300.0
"""A case that takes longer hangs; the start of a child may take twice as long."""
ADDRESS_SPACE = 8 << 30
CASES_A_CHILD = 5000
SHOW_SECONDS = 60.0


class State:
    """Counts over all runs, in a folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._file = folder / "state.json"
        known: dict[str, Any] = {}
        if self._file.is_file():
            known = json.loads(self._file.read_text())
        self.next = int(known.get("next", 0))
        self.seconds = float(known.get("seconds", 0.0))
        self.peak_mb = float(known.get("peak_mb", 0.0))
        self.slowest = float(known.get("slowest", 0.0))
        self.rss_mb = float(known.get("rss_mb", 0.0))
        self.outcomes = Counter(known.get("outcomes", {}))
        self.defects = Counter(known.get("defects", {}))

    def note(self, verdict: dict[str, Any]) -> None:
        self.next = verdict["number"] + 1
        self.peak_mb = max(self.peak_mb, verdict["memory_mb"])
        self.slowest = max(self.slowest, verdict["cpu_seconds"])
        self.rss_mb = max(self.rss_mb, verdict.get("rss_mb", 0.0))
        self.outcomes.update(f"{k} {v}" for k, v in verdict["outcomes"].items())
        if verdict["defect"]:
            self.defects[verdict["defect"]] += 1
            with (self._folder / "defects.jsonl").open("a") as file:
                file.write(json.dumps(verdict) + "\n")
            print("DEFECT", verdict["number"], verdict["defect"], verdict["name"], flush=True)

    def save(self) -> None:
        self._file.write_text(json.dumps(vars(self) | {"_folder": "", "_file": ""}, default=str))

    def show(self) -> None:
        rate = self.next / max(self.seconds, 1e-9)
        print(
            f"{self.next} cases in {self.seconds / 60:.1f} min ({rate:.1f} a second), peak "
            f"{self.peak_mb:.0f} MB a case, {self.rss_mb:.0f} MB in all, slowest "
            f"{self.slowest:.1f} s, defects {dict(self.defects)}",
            flush=True,
        )


def run_child(seed: int, start: int, folder: Path) -> None:
    """Run cases from ``start`` on and report each as a line on the original standard output."""
    report = os.fdopen(os.dup(1), "w")
    with (folder / "child.log").open("ab") as log:  # decoders in C print what they think
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    from dicom_targets import open_targets
    from fuzz_cases import judge, make_case, read_memory

    make_case(seed, start)
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    memory = Path("/dev/shm")
    with open_targets(memory if memory.is_dir() else None) as targets:
        for number in range(start, start + CASES_A_CHILD):
            verdict, data = judge(targets, seed, number)
            if verdict.defect:
                (folder / f"case-{number}.dcm").write_bytes(data)
            line = verdict._asdict() | {"rss_mb": read_memory("VmHWM")}
            report.write(json.dumps(line) + "\n")
            report.flush()


def follow(state: State, seed: int, folder: Path, until: float) -> None:
    """Start a child, take its reports, and end it when it hangs or the time is over."""
    command = [sys.executable, str(HERE / "fuzz_dicom.py"), "--child", str(state.next)]
    command += ["--seed", str(seed), "--state", str(folder)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert child.stdout is not None
    shown = last = time.monotonic()
    is_hung, has_begun = False, False
    try:
        while time.monotonic() < until:
            ready, _, _ = select.select([child.stdout], [], [], 1.0)
            now = time.monotonic()
            if ready:
                line = child.stdout.readline()
                if not line:
                    break
                state.seconds += now - last
                last, has_begun = now, True
                state.note(json.loads(line))
            elif now - last > WALL_SECONDS * (1 if has_begun else 2):
                is_hung = True
                break
            if now - shown > SHOW_SECONDS:
                shown = now
                state.show()
                state.save()
        else:
            return
    finally:
        code = child.poll()
        if code is None and not is_hung:
            try:
                code = child.wait(5)
            except subprocess.TimeoutExpired:
                code = None
        child.kill()
        child.wait()
        if is_hung or (code not in (0, None)):
            note_death(state, seed, folder, "it hung" if is_hung else f"crash ({code})")
        state.save()


def note_death(state: State, seed: int, folder: Path, what: str) -> None:
    from fuzz_cases import make_case

    name, data = make_case(seed, state.next)
    (folder / f"case-{state.next}.dcm").write_bytes(data)
    empty = {"outcomes": {}, "cpu_seconds": 0.0, "memory_mb": 0.0, "trace": ""}
    state.note({"number": state.next, "name": name, "size": len(data), "defect": what} | empty)


def run_one(seed: int, number: int) -> int:
    from dicom_targets import open_targets
    from fuzz_cases import judge

    with open_targets() as targets:
        verdict, _ = judge(targets, seed, number)
    print(verdict._replace(trace=""))
    print(verdict.trace)
    return int(bool(verdict.defect))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--state", type=Path, default=Path("fuzz"))
    parser.add_argument("--case", type=int)
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child is not None:
        run_child(options.seed, options.child, options.state)
        return 0
    if options.case is not None:
        return run_one(options.seed, options.case)
    state = State(options.state)
    until = time.monotonic() + 60 * options.minutes
    while time.monotonic() < until:
        follow(state, options.seed, options.state, until)
    state.show()
    return int(bool(state.defects))


if __name__ == "__main__":
    sys.exit(main())
