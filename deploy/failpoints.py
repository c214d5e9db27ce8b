"""Arming the failpoint that the environment names; see schemas/failpoints.py."""

import os

from deploy.errors import UserError
from deploy.settings import FAILPOINT_ENV
from schemas.failpoints import arm


def arm_failpoint() -> None:
    """Arm what KIOSQUE_FAILPOINT says; nothing without it.

    Raises:
        UserError: it cannot be read.
    """
    try:
        arm(os.environ.get(FAILPOINT_ENV, ""))
    except ValueError as error:
        raise UserError(f"{FAILPOINT_ENV} cannot be used: {error}", "it is for tests; unset it") from error
