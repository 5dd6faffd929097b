"""What the export to a warehouse refuses, and what a target may answer. A target gives each its own sentence."""

from crm.errors import CardfileError

__all__ = [
    "DriverMissing",
    "ExportGoesOn",
    "FullRunNeeded",
    "NothingToExport",
    "OursBusy",
    "RightsMissing",
    "RunCancelled",
    "ScheduleRefused",
    "SettingsRefused",
    "TableGone",
    "TargetChanged",
    "TargetError",
    "TargetFull",
    "TargetGone",
    "TargetOff",
    "TargetRefused",
    "TargetUnreachable",
    "TooManyDeaths",
]


class TargetError(CardfileError):
    """The target could not be written. Test its connection."""

    code = "target_error"


class TargetUnreachable(TargetError):
    """The target cannot be reached. Check its address, and whether its network lets this server in."""

    code = "target_unreachable"


class TargetRefused(TargetError):
    """The target does not let us in. Check the name, password or key."""

    code = "target_refused"


class RightsMissing(TargetError):
    """A right is missing at the target. Let its administrator give it."""

    code = "target_rights"


class TargetFull(TargetError):
    """The target has no room left. Make room there; the next run goes on where this one stopped."""

    code = "target_full"


class TargetGone(TargetError):
    """The database, schema or dataset is not there. Make it, or correct its name."""

    code = "target_gone"


class TargetChanged(TargetError):
    """A table at the target is not as it was made. Mend it there, or start a full run, which makes it anew."""

    code = "target_changed"


class DriverMissing(TargetError):
    """What speaks to this kind of target is not installed. Install it, and restart the workers."""

    code = "target_driver"


class FullRunNeeded(TargetError):
    """The target was not brought up to date for longer than changes are kept. Start a full run."""

    code = "full_run_needed"


class SettingsRefused(CardfileError):
    """This cannot be used. Correct it."""

    code = "target_settings"


class ScheduleRefused(SettingsRefused):
    """This schedule cannot be read. Write five parts, such as 0 6 * * 1-5, or choose an interval."""

    code = "target_schedule"


class NothingToExport(CardfileError):
    """This target has no tables yet. Choose what is to be exported."""

    code = "nothing_to_export"


class ExportGoesOn(CardfileError):
    """An export to this target is under way. Wait until it is finished, or cancel it."""

    code = "export_goes_on"


class TargetOff(CardfileError):
    """This warehouse is switched off. Switch it on first."""

    code = "target_off"


class OursBusy(CardfileError):
    """So much is being written here that no moment was found to begin. Run it again later."""

    code = "busy"


class TooManyDeaths(CardfileError):
    """Its worker died again and again at the same place. Tell the administrator, who finds why in the log."""

    code = "worker_died"


class RunCancelled(CardfileError):
    """Somebody cancelled this export."""

    code = "export_cancelled"


class TableGone(Exception):
    """Somebody took this table out of the export; the others go on."""
