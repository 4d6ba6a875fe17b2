"""Times as kubectl shows them: 85s, 4m31s, 3d2h."""

import time

from ...objects import seconds

MINUTE, HOUR, DAY, YEAR = 60, 3600, 86400, 365 * 86400
# below so many seconds: in this unit, and the rest in that one (0: no rest)
STEPS = ((2 * MINUTE, 1, 0), (10 * MINUTE, MINUTE, 1), (3 * HOUR, MINUTE, 0), (8 * HOUR, HOUR, MINUTE),
         (48 * HOUR, HOUR, 0), (8 * DAY, DAY, HOUR), (2 * YEAR, DAY, 0), (8 * YEAR, YEAR, DAY),
         (float("inf"), YEAR, 0))
LETTERS = {1: "s", MINUTE: "m", HOUR: "h", DAY: "d", YEAR: "y"}


def human(duration):
    """A number of seconds with two or three significant figures."""
    whole = int(duration)
    if whole < 0:
        return "0s" if whole >= -1 else "<invalid>"
    for limit, unit, rest_unit in STEPS:
        if whole < limit:
            break
    rest = whole % unit // rest_unit if rest_unit else 0
    return f"{whole // unit}{LETTERS[unit]}" + (f"{rest}{LETTERS[rest_unit]}" if rest else "")


def since(timestamp):
    """The time that has passed; <unknown> where there is no timestamp."""
    return human(time.time() - seconds(timestamp)) if timestamp else "<unknown>"
