"""Release folders: `<release>/dataset` and `<release>/models/<name>`, each laid out as its Hub repository.

What is uploaded later is what lies here, so it can be looked at, loaded and checked before, with no network.
"""

from builder.release.check import check_release, release_notes
from builder.release.folder import assemble

__all__ = ["assemble", "check_release", "release_notes"]
