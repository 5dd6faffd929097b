from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.db.backends.postgresql import base, client

from crm import database


class DatabaseClient(client.DatabaseClient):
    """`manage.py dbshell` with the embedded psql."""

    executable_name = "psql"

    def runshell(self, parameters: Iterable[str]) -> None:
        self.connection.get_connection_params()
        self.executable_name = str(database.find_binaries() / "psql")
        super().runshell(parameters)


class DatabaseWrapper(base.DatabaseWrapper):
    client_class = DatabaseClient

    def __init__(self, settings_dict: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        super().__init__(settings_dict, *args, **kwargs)
        self.home = Path(settings_dict["OPTIONS"]["home"])

    def get_connection_params(self) -> dict[str, Any]:
        self.settings_dict["HOST"] = str(database.start_server(self.home))
        params: dict[str, Any] = super().get_connection_params()
        del params["home"]
        return params
