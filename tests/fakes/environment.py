"""What pytest leaves in the environment, and a run of its own would not find there."""

import pytest

from localrun.notebook import warm


def let_pytest_be(patch: pytest.MonkeyPatch) -> None:
    """Let kernels be forked although pytest names the present test, and its step, in the environment."""
    patch.setattr(warm, "_OF_A_TASK", warm._OF_A_TASK | {"PYTEST_CURRENT_TEST"})
