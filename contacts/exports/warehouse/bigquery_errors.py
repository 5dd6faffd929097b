"""What BigQuery says, as a sentence that says what to do; and what speaks to it, which need not be installed."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from contacts.exports.warehouse import errors

__all__ = ["find_driver", "is_misnamed", "is_missing", "is_there_already", "told"]

Told = tuple[type[errors.TargetError], str]

REVOKED: Final[Told] = (
    errors.TargetRefused,
    gettext_noop("Google does not take this key: it was revoked, or its account is disabled. Make a new key for it."),
)
UNREACHABLE: Final[Told] = (
    errors.TargetUnreachable,
    gettext_noop("BigQuery does not answer. Check the network; the next run goes on from here."),
)
RIGHTS: Final[Told] = (
    errors.RightsMissing,
    gettext_noop(
        "A right is missing. Give the service account the roles “BigQuery Job User” on the project and"
        " “BigQuery Data Editor” on the dataset."
    ),
)
FULL: Final[Told] = (
    errors.TargetFull,
    gettext_noop("A quota of the project is used up. Wait or raise it; the next run goes on from here."),
)
BILLING: Final[Told] = (
    errors.RightsMissing,
    gettext_noop("Billing is off in that project, so nothing can be written. Turn it on there."),
)
CHANGED: Final[Told] = (
    errors.TargetChanged,
    gettext_noop("A table there is not as it was made. Mend it, or start a full run, which makes it anew."),
)
BUSY: Final[Told] = (errors.TargetError, gettext_noop("Somebody there got in our way. The next run tries again."))
BY_REASON: Final[dict[str, Told]] = {
    "accessDenied": RIGHTS,
    "billingNotEnabled": BILLING,
    "billingTierLimitExceeded": FULL,
    "quotaExceeded": FULL,
    "rateLimitExceeded": FULL,
    "resourcesExceeded": FULL,
    "jobRateLimitExceeded": FULL,
    "notFound": (
        errors.TargetChanged,
        gettext_noop("A table or the dataset is not there any more. Test the connection, or start a full run."),
    ),
    "invalid": (
        errors.TargetChanged,
        gettext_noop("A column there does not hold what is sent any more. Start a full run, which makes it anew."),
    ),
    "invalidQuery": CHANGED,
}
"""By the word that BigQuery has for it."""
BY_CODE: Final[dict[int, Told]] = {
    401: REVOKED,
    403: RIGHTS,
    404: BY_REASON["notFound"],
    409: BUSY,
    429: FULL,
}
SHOWS_VALUES: Final = ("invalid", "invalidQuery")
"""What is said of these may quote a contact."""
UNTOLD: Final[Told] = (errors.TargetError, gettext_noop("BigQuery does not do what it is asked to. Try again later."))
LONGEST: Final = 300


def find_driver() -> Any:
    """``google.cloud.bigquery``; raises ``DriverMissing``."""
    try:
        return import_module("google.cloud.bigquery")
    except ImportError as error:
        words = _("What speaks to BigQuery is not installed. Run make setup-bigquery, and restart server and workers.")
        raise errors.DriverMissing(words) from error


def is_missing(error: errors.TargetError) -> bool:
    """Whether it was told of something that is not there."""
    return getattr(error.__cause__, "code", None) == 404


def is_misnamed(error: errors.TargetError) -> bool:
    """Or cannot be: a name that is none."""
    return getattr(error.__cause__, "code", None) in (400, 404)


def is_there_already(error: errors.TargetError) -> bool:
    """Whether it was told that this very job, or table, was made before."""
    return getattr(error.__cause__, "code", None) == 409


@contextmanager
def told() -> Generator[None, None, None]:
    """Whatever goes wrong at BigQuery is a ``TargetError``."""
    api, auth = import_module("google.api_core.exceptions"), import_module("google.auth.exceptions")
    requests = import_module("requests")
    try:
        yield
    except (auth.RefreshError, auth.InvalidOperation) as error:  # the other one: asked for a key where none was given
        raise _as_error(REVOKED, _first_line(error)) from error
    except (auth.TransportError, api.RetryError, requests.RequestException, TimeoutError) as error:
        raise _as_error(UNREACHABLE) from error
    except api.GoogleAPICallError as error:
        reason = str(error.errors[0].get("reason", "")) if error.errors else ""
        overlapped = "due to concurrent update" in str(error)  # BigQuery has no word of its own for it
        answer = BUSY if overlapped else BY_REASON.get(reason) or _by_code(int(error.code or 0))
        raise _as_error(answer, "" if reason in SHOWS_VALUES else _first_line(error)) from error
    except (api.GoogleAPIError, auth.GoogleAuthError) as error:
        raise _as_error(UNTOLD, _first_line(error)) from error


def _by_code(code: int) -> Told:
    return UNREACHABLE if code >= 500 else BY_CODE.get(code, UNTOLD)


def _as_error(answer: Told, said: str = "") -> errors.TargetError:
    kind, sentence = answer
    if not said:
        return kind(_(sentence))
    return kind(_("{sentence} BigQuery says: “{said}”.").format(sentence=_(sentence), said=said))


def _first_line(error: Any) -> str:
    said = str(getattr(error, "message", "") or (error.args[0] if error.args else "")).strip()
    return said.splitlines()[0].rstrip(".")[:LONGEST] if said else ""
