"""Sets, for each process of the tests, what `--threshold` sets for their parent alone: what was seen is taken out rarely."""

from slipcover import pytest_plugin

if pytest_plugin._slipcover_instance:
    pytest_plugin._slipcover_instance.d_miss_threshold = 10_000
