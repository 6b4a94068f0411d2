"""Everything PERFORMANCE promises, measured side by side: « make benchmark ».

    python -m benchmarks [--rounds 5] [--seconds 4] [--only listes …]

Only ratios of interleaved rounds of one run count. A whole run writes its table into
site_docs/comprendre/performances.md.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from benchmarks import archive, deposit, light, mails, pages, search, servers
from benchmarks.table import Line, markdown, publish


@dataclass(frozen=True)
class Options:
    rounds: int
    seconds: int


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--only", nargs="+", choices=sorted(_works(Options(1, 1))))
    given = parser.parse_args()
    servers.check_tools()
    works = _works(Options(given.rounds, given.seconds))
    lines: list[Line] = []
    for name in given.only or works:
        found = works[name]()
        print(f"{name}\n{markdown(found)}\n", flush=True)
        lines += found
    print(f"\n{markdown(lines)}")
    if not given.only:
        publish(lines)


def _works(options: Options) -> dict[str, Callable[[], list[Line]]]:
    load = {"rounds": options.rounds, "seconds": options.seconds}
    return {
        "listes": partial(pages.compare_lists, **load),
        "tailles": partial(pages.compare_sizes, **load),
        "recherche": partial(search.time_search, rounds=options.rounds),
        "documents": partial(pages.compare_documents, **load),
        "archive": partial(archive.measure_archive, rounds=options.rounds),
        "depot": partial(deposit.compare_deposit, rounds=options.rounds),
        "mails": partial(mails.compare_mails, rounds=options.rounds),
        "poids": light.weigh_and_build,
    }


if __name__ == "__main__":
    main()
