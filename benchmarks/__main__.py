"""
Run us and each official daemon in turn on the same work and compare.

``python -m benchmarks`` runs all rows, ``python -m benchmarks small index`` those two.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import sys
import traceback
from pathlib import Path

from benchmarks.contestants import Arena, available
from benchmarks.measure import Result
from benchmarks.report import DESCRIPTIONS, as_json, markdown
from benchmarks.stories import QUICK, STORIES, Sizes, Story

DOCS = Path(__file__).parents[1] / "docs" / "performance.md"
BEGIN, END = "<!-- table: begin -->\n", "<!-- table: end -->\n"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    rows = ", ".join(name for names in STORIES.values() for name in names)
    parser.add_argument("rows", nargs="*", metavar="row", help=f"one of {rows}; default all")
    parser.add_argument("--dir", type=Path, default=Path("/dev/shm"), help="where to work")
    parser.add_argument("--quick", action="store_true", help="little work: no figures to quote")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there as well")
    parser.add_argument("--only", action="append", metavar="NAME", help="only this contestant")
    parser.add_argument("--write-docs", action="store_true", help=f"put the table into {DOCS.name}")
    return parser.parse_args()


def chosen(rows: list[str]) -> list[Story]:
    """The stories which yield these rows."""
    known = {name for names in STORIES.values() for name in names}
    unknown = [row for row in rows if row not in known]
    if unknown:
        sys.exit(f"no such row: {', '.join(unknown)}; there are {', '.join(sorted(known))}")
    return [story for story, names in STORIES.items() if not rows or set(names) & set(rows)]


def write_docs(table: str) -> None:
    """Replace the table between the two marks of docs/performance.md."""
    text = DOCS.read_text()
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    when = datetime.datetime.now(datetime.UTC).date()
    where = f"Measured {when} on {os.cpu_count()} cores, Linux, Python {platform.python_version()}."
    DOCS.write_text(f"{head}{BEGIN}{where}\n\n{table}{END}{tail}")


def main() -> int:
    options = arguments()
    contestants = available()
    if options.only:
        contestants = {name: make for name, make in contestants.items() if name in options.only}
    sizes = QUICK if options.quick else Sizes()
    results: list[Result] = []
    failed = 0
    for story in chosen(options.rows):
        for name, make in contestants.items():
            directory = options.dir / f"txsyncthing-benchmark-{os.getpid()}"
            try:
                with Arena(make, directory) as arena:
                    for result in story(arena, sizes):
                        results.append(result)
                        print(markdown([result]).splitlines()[-1], flush=True)
            except Exception:  # one that fails must not cost the others their turn
                failed += 1
                print(f"{story.__name__} failed for {name}:", file=sys.stderr)
                traceback.print_exc()
    table = markdown(results)
    print("\n" + table)
    for row in dict.fromkeys(result.row for result in results):
        print(f"{row}: {DESCRIPTIONS[row]}")
    if options.json:
        options.json.write_text(as_json(results))
    if options.write_docs:
        write_docs(table)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
