from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from crm.audit import Action, note
from crm.login.attempts import unlock


class Command(BaseCommand):
    help = "Let an account, or an address, sign in again at once after too many failures."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username", nargs="?", help="the account")
        parser.add_argument("--address", help="the address that failed too often")

    def handle(self, **options: Any) -> None:
        name, address = options["username"], options["address"]
        if bool(name) == bool(address):
            raise CommandError("Give either a user name or --address.")
        user = User.objects.filter(username=name).first() if name else None
        if name and user is None:
            raise CommandError(f"There is no user {name}.")
        unlock(user=user, address=address)
        about = f"auth.user:{user.pk}" if user else ""
        note(Action.UNLOCKED, by="command:unlock", about=about, details={"name": name or address})
        self.stdout.write(f"{name or address} is unlocked.")
