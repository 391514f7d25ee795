"""What several core tests start from."""

import pytest

pytest.register_assert_rewrite("tests.core.table_contract")


@pytest.fixture(scope="session")
def after_first_run():
    """A home after the whole job ran once: read it, or copy it."""
    from made import AS_OF, World, log

    world = World(log())
    world.first = world.run(AS_OF)
    return world


@pytest.fixture
def world(after_first_run):
    """A home of one's own, after the first run."""
    return after_first_run.copy()
