"""Somebody for the operator to be concerned with."""

import pytest

from tests.browsers import Browser, Site


@pytest.fixture
def ada(site: Site) -> Browser:
    return site.member()
