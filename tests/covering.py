"""Sets, for each process of the tests, what `--threshold` sets for their parent alone: what was seen is taken out rarely.

The parent itself runs nothing of the site, so nothing is measured there: it begins the others two seconds sooner.
"""

import sys

import pytest
from slipcover import pytest_plugin
from slipcover.importer import SlipcoverMetaPathFinder


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    if pytest_plugin._slipcover_instance:
        pytest_plugin._slipcover_instance.d_miss_threshold = 10_000
    elif early_config.known_args_namespace.numprocesses:
        for finder in [each for each in sys.meta_path if isinstance(each, SlipcoverMetaPathFinder)]:
            sys.meta_path.remove(finder)
            finder.sci.source = None  # the others list what none has seen
