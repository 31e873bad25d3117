"""What an act costs in processor time of all server processes: a quick look while something is rewritten.

`python -m tests.bench.cost refresh "sign out" --rounds 3 --backing postgresql`; without names, every act.
"""

import argparse

from tests.backings import NAMES
from tests.bench.acts import running
from tests.bench.arms import measure, rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("acts", nargs="*", help="such as check, account, devices, refresh, code, 'sign out'")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--backing", choices=NAMES, default="sqlite")
    wanted = parser.parse_args()
    with running(wanted.backing) as acts:
        known = acts.arms()
        unknown = [name for name in wanted.acts if name not in known]
        if unknown:
            parser.error(f"{', '.join(unknown)}: there are {', '.join(known)}")
        arms = [known[name] for name in wanted.acts or known]
        measure(arms, wanted.rounds)
        print("\n".join(rows(arms)))


if __name__ == "__main__":
    main()
