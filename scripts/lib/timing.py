"""Times commands as whole processes, in turns: what else the machine does meets all of them alike."""

import dataclasses
import os
import resource
import statistics
import subprocess
import tempfile
import time

GNU_TIME = "/usr/bin/time"


@dataclasses.dataclass
class Case:
    """One command: how it runs, and what has to be done before each run, untimed."""

    name: str
    command: list
    prepare: object = None
    directory: str = None
    environment: dict = None
    accepted: tuple = (0,)


@dataclasses.dataclass
class Result:
    """Milliseconds of wall and processor time, megabytes of memory."""

    median: float
    least: float
    busy: float
    memory: float


class Failed(Exception):
    """A command ended with a status that was not expected."""


def in_turns(cases, runs):
    """Run the cases one after the other, `runs` times; return a Result, or why there is none, for each."""
    walls = {case.name: [] for case in cases}
    busy = {case.name: [] for case in cases}
    failures = {}
    for _ in range(runs):
        for case in cases:
            if case.name in failures:
                continue
            try:
                wall, processor = run_once(case)
            except Failed as failure:
                failures[case.name] = str(failure)
                continue
            walls[case.name].append(wall * 1000)
            busy[case.name].append(processor * 1000)
    return {
        case.name: failures.get(case.name)
        or Result(
            statistics.median(walls[case.name]), min(walls[case.name]), min(busy[case.name]), memory_of(case)
        )
        for case in cases
    }


def run_once(case):
    """Return the wall time and the processor time of one run in seconds."""
    if case.prepare:
        case.prepare()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    ended = subprocess.run(
        case.command,
        cwd=case.directory,
        env=case.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
    )
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if ended.returncode not in case.accepted:
        last = ended.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise Failed(f"status {ended.returncode}: {' '.join(last)}")
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def run_quietly(case, before=()):
    """Run a case once, untimed, behind another command."""
    if case.prepare:
        case.prepare()
    quiet = subprocess.DEVNULL
    command = [*before, *case.command]
    subprocess.run(
        command, cwd=case.directory, env=case.environment, stdin=quiet, stdout=quiet, stderr=quiet, check=False
    )


def memory_of(case):
    """Return the largest resident set of one more run. Without GNU time it is not known: a child of this process counts
    megabytes of its parent as its own."""
    if not os.access(GNU_TIME, os.X_OK):
        return None
    with tempfile.NamedTemporaryFile("r") as report:
        run_quietly(case, [GNU_TIME, "--quiet", "-f", "%M", "-o", report.name])
        return int(report.read().split()[-1]) / 1024
