"""Warehouses: a target as it is kept, and the people whose contacts leave for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from cryptography.fernet import Fernet
from django.contrib.auth.models import User
from django.db import connection
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row

from contacts.identity.settings import forget_settings
from contacts.identity.types import STANDARD
from contacts.models import ExportTarget, TargetKind
from tests.bigquery_emulator import bigquery_emulator
from tests.people import Stage, set_up_account


@pytest.fixture(autouse=True)
def secrets_key(settings: Any) -> None:
    """Secrets can be kept."""
    settings.SECRETS_KEY = [Fernet.generate_key().decode()]


@pytest.fixture
def stage(db: None) -> Iterator[Stage]:
    """Nobody is there yet; the account has its custom fields."""
    set_up_account(STANDARD)
    forget_settings()
    yield Stage()
    forget_settings()


@pytest.fixture
def olena(db: None) -> User:
    return User.objects.create_user("olena", email="olena@company.example")


@pytest.fixture
def have_target(olena: User) -> Callable[..., ExportTarget]:
    """``have_target(every_minutes=5)``: a target as it is kept; nobody connects to it yet."""

    def make(**chosen: Any) -> ExportTarget:
        kept = {"name": "Company", "kind": TargetKind.POSTGRESQL, "owner": olena, "settings": {"schema": "cardfile"}}
        return ExportTarget.objects.create(**{**kept, **chosen})

    return make


@pytest.fixture(scope="session")
def company_database(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """The address of a database of the company's own, on the server of the tests."""
    with django_db_blocker.unblock():
        given = connection.get_connection_params()
        name = f"{given['dbname']}_company"
        with psycopg.connect(**{**given, "autocommit": True}) as server:
            server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            server.execute(f'CREATE DATABASE "{name}"')
        parts = {key: given[key] for key in ("host", "port", "user", "password") if given.get(key)}
    yield make_conninfo(**parts, dbname=name)
    with psycopg.connect(**{**given, "autocommit": True}) as server:
        server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def company(company_database: str) -> Iterator[Company]:
    """The company's database, empty."""
    with psycopg.connect(company_database, autocommit=True, row_factory=dict_row) as server:
        server.execute("DROP SCHEMA IF EXISTS cardfile CASCADE")
        server.execute("CREATE SCHEMA cardfile")
        yield Company(company_database, server)


@pytest.fixture(scope="session")
def emulator() -> Iterator[str]:
    """The address of an emulator of BigQuery."""
    with bigquery_emulator() as address:
        yield address


@dataclass
class Company:
    """What the company's own programs see."""

    dsn: str
    server: psycopg.Connection[dict[str, Any]]

    def rows(self, table: str = "contacts", order: str = '"contactId"') -> list[dict[str, Any]]:
        return self.server.execute(f'SELECT * FROM cardfile."{table}" ORDER BY {order}').fetchall()

    def of(self, contact_id: int, table: str = "contacts") -> dict[str, Any] | None:
        return next((row for row in self.rows(table) if row["contactId"] == contact_id), None)
