"""The web server, granian, in a process that never loads Django: its workers do, and so nothing is loaded twice."""

from argparse import ArgumentParser
from pathlib import Path

from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

from crm.processes import end_with_parent

__all__ = ["serve"]


def serve(*, host: str, port: int, processes: int, threads: int) -> None:
    """Serve until a signal."""
    Granian(
        "crm.wsgi:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=processes,
        blocking_threads=threads,
        respawn_failed_workers=True,
        workers_kill_timeout=10,
        log_level=LogLevels.warning,
        working_dir=Path(__file__).parent.parent,
    ).serve()


def main() -> None:
    parser = ArgumentParser()
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--host", required=True)
    for number in ("--port", "--processes", "--threads"):
        parser.add_argument(number, type=int, required=True)
    options = vars(parser.parse_args())
    end_with_parent(options.pop("parent"))
    serve(**options)


if __name__ == "__main__":
    main()
