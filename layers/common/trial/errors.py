"""
What can go wrong, as the trial sees it.

TrialError
├── RejectedError        the request is at fault: retrying cannot help
│   ├── NotFoundError    nothing is stored under that id
│   ├── ConflictError    it contradicts what is stored
│   └── UnreadableError  what is stored is not what it should be
└── UnavailableError     something we depend on is at fault: a retry may help
    └── ContendedError   somebody else changed the same record first: read again and retry
"""


class TrialError(Exception):
    """Whatever the trial refuses or fails at. Messages never hold personal data."""


class RejectedError(TrialError):
    """The request is at fault: retrying cannot help."""


class NotFoundError(RejectedError):
    """Nothing is stored under that id."""


class ConflictError(RejectedError):
    """It contradicts what is stored."""


class UnreadableError(RejectedError, ValueError):
    """A stored item does not fit its model: somebody must look at it."""


class UnavailableError(TrialError):
    """Something we depend on is at fault: a retry may help."""


class ContendedError(UnavailableError):
    """Somebody else changed the same record first: read again and retry."""
