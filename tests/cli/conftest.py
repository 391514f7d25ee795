"""What several tests of commands start from."""

import pytest

from tests.builders.make_old_home import unpack


@pytest.fixture(scope="session")
def old(tmp_path_factory):
    """A home that an earlier commit made at HOME, and that lies elsewhere now. Nobody has touched it yet: copy it."""
    return unpack(tmp_path_factory.mktemp("moved here"))
