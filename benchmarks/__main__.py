"""Print the table of site_docs/comprendre/performances.md, measured now: « make benchmark ».

    python -m benchmarks [--rounds 5] [--seconds 3]

Only the ratios of one run count: what is compared takes turns, on the same machine.
"""

import argparse
import os
import platform
import shutil
import time

from benchmarks.table import Line, markdown

BY_HAND = (
    Line("`make test`, sans navigateur", "`time make test`", "", "≤ 90 s", None),
    Line("`make check`, tout", "`time make check`", "", "≤ 6 min", None),
)


def main() -> None:
    # Here, because each reader of a deposit, a new Python, imports this file first.
    import tests.nginx
    from benchmarks import deposits, instances, lists, mails, slow, weight

    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3)
    given = parser.parse_args()
    if shutil.which(tests.nginx.command()) is None:
        raise SystemExit("nginx manque : apt-get install nginx")
    started = time.monotonic()
    everybody, alone = instances.made(instances.EVERYBODY), instances.made(instances.ALONE)
    lines = lists.compare_lists(everybody, alone, rounds=given.rounds, seconds=given.seconds)
    lines.append(deposits.compare_deposits(rounds=given.rounds))
    lines.append(mails.compare_mails(rounds=given.rounds))
    lines.append(slow.measure_slow_visitors(everybody))
    lines += weight.weigh_and_build(everybody)
    print(f"\n{markdown([*lines, *BY_HAND])}\n")
    minutes = (time.monotonic() - started) / 60
    print(f"{os.cpu_count()} cœurs, Python {platform.python_version()} ; {minutes:.1f} minutes")


if __name__ == "__main__":
    main()
