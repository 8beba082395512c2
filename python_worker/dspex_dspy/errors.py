"""What can go wrong, told to the user."""

from __future__ import annotations


class CaptureError(Exception):
    """A fragment of DSPy's wording that cannot be cut out without doubt."""

    def __init__(self, fragment: str, reason: str) -> None:
        super().__init__(f"The fragment {fragment!r} cannot be cut out of what DSPy renders: {reason}.")
        self.fragment = fragment


class NotTranslatableError(Exception):
    """A part of a DSPy program that has no equal outside Python; says what to do."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"{what}: {reason}")
        self.what = what
        self.reason = reason


class UsageError(Exception):
    """What the user named cannot be had."""
