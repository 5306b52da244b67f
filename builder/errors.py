"""The errors a user can meet; each says what is wrong, where, and what to do.

BuilderError
├── RecipeError     the recipe, the command line or an input file is wrong (exit code 2)
├── StageError      a stage could not finish (exit code 1)
├── TimeIsUp        a build has stopped as it was asked to, and can go on (exit code 75)
├── ReleaseError    a release could not be assembled or failed its checks (exit code 1)
└── UnsafePath      a name from outside leads out of its folder (exit code 1)
"""


class BuilderError(Exception):
    """Base of all errors shown without a traceback."""

    exit_code = 1


class RecipeError(BuilderError):
    """A recipe, an option or an input is wrong; all problems found are in the message, one a line."""

    exit_code = 2


class StageError(BuilderError):
    """A stage failed; what it had finished is kept and the same command resumes it."""


class TimeIsUp(BuilderError):
    """The time that a build was given is over; it stopped where nothing is lost, and the same command goes on."""

    exit_code = 75  # EX_TEMPFAIL of sysexits.h: try again later


class ReleaseError(BuilderError):
    """A release folder could not be assembled, or it does not pass its checks."""


class UnsafePath(BuilderError):
    """A name that somebody else wrote does not stay in the folder it belongs to; nothing was read or written there."""
