#!/usr/bin/env python3
"""Plants the faults of tests/planted/*.toml, all in one build, and says which of them the tests notice.

    tests/planted/plant.py                 every fault
    tests/planted/plant.py NAME...         these only (a part of the name is enough)
    tests/planted/plant.py --hinted        only with the tests that the table names, no others
    tests/planted/plant.py --jobs 2        two faults beside each other

The tree is copied to TARGET/planted/tree. There each fragment is replaced by one that asks a switch, the environment
variable BOARDSYNC_PLANTED, whether its fault is on; the program that people run has no such switch. Everything is built
once. Then, for each fault, the tests run that the table names, and after them all others, until one fails, breaks off
or exceeds its time. A test that fails is run again without the fault, and has to pass.

Leaves with 1 when a fragment does not occur exactly once in its file, when a test fails without any fault, or when fewer
than 95 % of the faults are noticed.
"""

import argparse
import concurrent.futures
import functools
import json
import os
import pathlib
import re
import subprocess
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORK = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "planted"
TREE, BUILD = WORK / "tree", WORK / "build"

# Who judges, in this order where the table names nobody (any more). What looks at sources only, or at the sandboxes, is
# not asked: it cannot notice.
JUDGES = {
    "lib": ("boardsync", "--lib"),
    "core": ("boardsync-core", "--lib"),
    "it": ("boardsync", "--test", "it"),
    "process": ("boardsync", "--test", "process"),
    "sim": ("boardsync-sim", "--test", "simulation"),
}
# Random tests get fixed seeds, and the long ones fewer rounds: the same run twice has the same outcome.
FIXED = {
    "PROPTEST_RNG_SEED": "1", "SIM_SEEDS": "400", "BOARDSYNC_SECRETS": "300", "BOARDSYNC_KILLS": "30",
    "RUST_BACKTRACE": "0",
}
# What takes minutes and judges the simulation itself.
SKIPPED = ["every_known_bad_design_is_caught"]
# Seconds for the tests that a table names, and for a whole judge. No end within them counts as noticed.
LIMIT_S, WHOLE_LIMIT_S = 300, 1800
ENOUGH = 0.95

SWITCH = '''//! Which planted fault is on; see tests/planted/plant.py.

use std::sync::LazyLock;

static ON: LazyLock<String> = LazyLock::new(|| std::env::var("BOARDSYNC_PLANTED").unwrap_or_default());

/// Whether this fault is on.
pub fn on(name: &str) -> bool {
    *ON == name
}
'''
PASSED_ON = '.env("BOARDSYNC_PLANTED", std::env::var_os("BOARDSYNC_PLANTED").unwrap_or_default())'


class Rotten(Exception):
    """The table or the tree is not what it should be."""


def table():
    """Every fault, by name."""
    faults = {}
    for path in sorted(pathlib.Path(__file__).parent.glob("*.toml")):
        with path.open("rb") as file:
            for name, fault in tomllib.load(file).items():
                if name in faults:
                    raise Rotten(f"{path.name}: {name} is there twice")
                faults[name] = fault
    return faults


def planted(name, fault):
    """The text in place of the fragment: the whole of it where it asks PLANTED itself, else a choice between the two."""
    ask = f'crate::planted::on("{name}")'
    if "PLANTED" in fault["wrong"]:
        return fault["wrong"].replace("PLANTED", ask)
    return f'(if {ask} {{ {fault["wrong"]} }} else {{ {fault["right"]} }})'


def sources(faults):
    """The changed files, by path."""
    by_file = {}
    for name, fault in faults.items():
        by_file.setdefault(fault["file"], []).append((name, fault))
    changed = {}
    for file, of_file in by_file.items():
        text = (ROOT / file).read_text()
        places = []
        for name, fault in of_file:
            if (found := text.count(fault["right"])) != 1:
                raise Rotten(f"{name}: its fragment is {found} times in {file}")
            start = text.index(fault["right"])
            places.append((start, start + len(fault["right"]), planted(name, fault), name))
        places.sort(reverse=True)
        behind = len(text)
        for start, end, new, name in places:
            if end > behind:
                raise Rotten(f"{name}: its fragment overlaps with that of another fault in {file}")
            text, behind = text[:start] + new + text[end:], start
        changed[file] = text
    # Programs that a test starts with an empty environment get the switch all the same.
    for path in (ROOT / "tests").rglob("*.rs"):
        text = path.read_text()
        if ".env_clear()" in text:
            changed[str(path.relative_to(ROOT))] = text.replace(".env_clear()", ".env_clear()" + PASSED_ON)
    for folder in {file.partition("src/")[0] + "src" for file in by_file}:
        changed[f"{folder}/planted.rs"] = SWITCH
        lib = f"{folder}/lib.rs"
        changed[lib] = changed.get(lib, (ROOT / lib).read_text()) + "\npub mod planted;\n"
    return changed


def copy(changed):
    """Brings the copy of the tree up to date. Files that stay as they are keep their time, so that little is built."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    wanted = {name: (ROOT / name).read_bytes() for name in listed.stdout.splitlines() if (ROOT / name).is_file()}
    wanted.update({name: text.encode() for name, text in changed.items()})
    for path in [path for path in TREE.rglob("*") if path.is_file()]:
        if str(path.relative_to(TREE)) not in wanted:
            path.unlink()
    for name, content in wanted.items():
        path = TREE / name
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def build():
    """Builds all judges. Returns their programs by name."""
    env = os.environ | {"CARGO_TARGET_DIR": str(BUILD)}
    programs = {}
    for judge, (package, *target) in JUDGES.items():
        command = ["cargo", "test", "--no-run", "--locked", "--message-format=json", "-p", package, *target]
        done = subprocess.run(command, cwd=TREE, env=env, stdout=subprocess.PIPE, text=True)
        for message in map(json.loads, done.stdout.splitlines()):
            # Warnings are not worth a word: a fragment in brackets is none of the tree's.
            if message["reason"] == "compiler-message" and message["message"]["level"] == "error":
                print(message["message"]["rendered"], file=sys.stderr)
            if message.get("executable") and message["profile"]["test"]:
                programs[judge] = message["executable"]
        if done.returncode != 0 or judge not in programs:
            raise Rotten(f"{judge} does not build with the faults")
    return programs


class Run:
    """One run of a judge: which tests failed, or that it broke off or took too long."""

    def __init__(self, programs, judge, fault, *arguments):
        package = JUDGES[judge][0].removeprefix("boardsync").removeprefix("-")
        folder = TREE / "crates" / package if package else TREE
        limit = LIMIT_S if arguments else WHOLE_LIMIT_S
        env = os.environ | FIXED | {"BOARDSYNC_PLANTED": fault}
        skipped = [arg for name in SKIPPED for arg in ("--skip", name)]
        process = subprocess.Popen(
            [programs[judge], *arguments, *skipped], cwd=folder, env=env, stdin=subprocess.DEVNULL, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True, errors="replace",
        )
        try:
            said, _ = process.communicate(timeout=limit)
            self.hung = False
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)  # its own session: the programs that the tests have started, too
            said, _ = process.communicate()
            self.hung = True
        self.passed = process.returncode == 0
        self.failed = re.findall(r"^test (\S+) \.\.\. FAILED$", said, re.MULTILINE)
        self.count = sum(map(int, re.findall(r"^running (\d+) tests?$", said, re.MULTILINE)))


class Jury:
    """Asks the judges about faults."""

    def __init__(self, programs, hinted_only):
        self.programs = programs
        self.hinted_only = hinted_only

    @functools.cache
    def clean(self, judge, *arguments):
        """Whether these tests pass without any fault. Asked once each."""
        return Run(self.programs, judge, "", *arguments).passed

    def verdict(self, name, fault):
        """Returns who notices the fault, in words; `None`: nobody."""
        hints = [tuple(part.strip() for part in hint.split(":", 1)) for hint in fault.get("noticed_by", [])]
        others = [] if self.hinted_only else [(judge, "") for judge in JUDGES]
        for judge, tests in hints + others:
            run = Run(self.programs, judge, name, *([tests] if tests else []))
            if run.count == 0:
                raise Rotten(f"{name}: {judge} has no test called {tests}")
            if run.passed:
                continue
            if run.failed:
                again, said = (run.failed[0], "--exact"), run.failed[0]
            else:
                again = (tests,) if tests else ()
                said = f"{tests or 'a test'} ({'no end' if run.hung else 'broken off'})"
            if not self.clean(judge, *again):
                raise Rotten(f"{judge} {said} fails without any fault")
            return f"{judge} {said}"
        return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--hinted", action="store_true", help="ask only the tests that the table names")
    parser.add_argument("--jobs", type=int, default=1, help="faults beside each other")
    options = parser.parse_args()
    faults = table()
    asked = {
        name: fault for name, fault in faults.items() if not options.names or any(part in name for part in options.names)
    }
    copy(sources(faults))
    jury = Jury(build(), options.hinted)
    width = max(map(len, asked), default=0)
    survivors, rotten, done = [], [], 0

    def ask(name):
        try:
            return name, jury.verdict(name, asked[name])
        except Rotten as what:
            return name, what

    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for job in concurrent.futures.as_completed([pool.submit(ask, name) for name in asked]):
            name, noticed = job.result()
            done += 1
            if noticed is None:
                survivors.append(name)
            elif isinstance(noticed, Rotten):
                rotten.append(name)
            print(f"{done:4} {name:{width}}  {noticed or 'SURVIVED'}", flush=True)
    noticed = len(asked) - len(survivors) - len(rotten)
    print(f"\n{len(asked)} faults, {noticed} noticed")
    for name in survivors:
        print(f"survived: {name}: {asked[name]['loses']}\n    {asked[name].get('survives', 'not explained')}")
    if rotten:
        print(f"not judged: {', '.join(rotten)}")
    return 1 if rotten or noticed < ENOUGH * len(asked) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Rotten as rotten:
        sys.exit(f"plant.py: {rotten}")
