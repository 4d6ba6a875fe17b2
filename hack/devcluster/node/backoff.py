"""Waiting longer after each failure, as the kubelet does for containers and images."""

import time


class Backoff:
    """Of one thing (a container with an image). base: seconds, doubled up to 30 times, forgotten after 60 times."""

    def __init__(self, base):
        self.base = base
        self.delay = 0.0
        self._updated = 0.0

    def remaining(self, since):
        """Seconds until it may be tried again, where `since` (monotonic) is when it failed last; 0 or less: now."""
        if since - self._updated > 60 * self.base:
            self.delay = 0.0
        return since + self.delay - time.monotonic()

    def next(self):
        """It is tried now: how long a failure will make us wait."""
        self.delay = min(self.delay * 2, 30 * self.base) or self.base
        self._updated = time.monotonic()


def duration(seconds):
    """Seconds as Go prints a time.Duration: 10s, 1m20s, 5m0s, 500ms."""
    if seconds < 1:
        return f"{round(seconds * 1000)}ms"
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes)}m{rest:g}s" if minutes else f"{rest:g}s"
