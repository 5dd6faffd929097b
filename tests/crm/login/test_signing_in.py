"""Coming in, and not coming in."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crm.login.attempts import begin_attempt, key_of, wait_after
from crm.models import AuditEntry, LoginAttempts
from tests.crm.login.conftest import PASSWORD, give_app, is_in, sign_in, type_code

pytestmark = pytest.mark.django_db


def noted() -> list[str]:
    return list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))


def fail(client: Client, name: str, times: int, **extra: str) -> str:
    """What the page says at last."""
    answer = None
    for _ in range(times):
        answer = sign_in(client, name, "wrong", **extra)
    assert answer is not None
    assert answer.status_code == 403
    return " ".join(answer.context["form"].non_field_errors())


def let_time_pass(**time: float) -> None:
    for row in LoginAttempts.objects.all():
        row.failed_at -= timedelta(**time)
        row.locked_until = row.locked_until and row.locked_until - timedelta(**time)
        row.save()


def test_name_and_password_let_in(client, olena):
    answer = sign_in(client, "olena")

    assert answer.headers["Location"] == reverse("admin:index")
    assert is_in(client)
    assert noted() == ["signed_in"]


def test_after_signing_in_one_is_where_one_wanted_to_go(client, olena):
    address = client.get(reverse("admin:account_sessions")).headers["Location"]
    page = client.get(address)

    answer = client.post(
        reverse("admin:login"), {"username": "olena", "password": PASSWORD, "next": page.context["next"]}
    )

    assert answer.headers["Location"] == reverse("admin:account_sessions")


@pytest.mark.parametrize("address", ["https://evil.example.com/", "//evil.example.com", "javascript:alert(1)"])
def test_nobody_is_sent_to_another_site(client, olena, address):
    answer = client.post(reverse("admin:login"), {"username": "olena", "password": PASSWORD, "next": address})

    assert answer.headers["Location"] == reverse("admin:index")


WRONG = {
    "the password": ("olena", "not it"),
    "the name": ("nobody", PASSWORD),
    "an account that is shut": ("taras", PASSWORD),
    "an account without a role": ("bohdan", PASSWORD),
    "no text at all": ("olena", "\x00"),
    "a name that no account can have": ("\x00", PASSWORD),
}


@pytest.mark.parametrize("case", WRONG)
def test_whatever_is_wrong_the_answer_is_the_same(client, olena, make_user, case):
    make_user("taras", is_active=False)
    User.objects.create_user("bohdan", password=PASSWORD)

    answer = sign_in(client, *WRONG[case])

    assert not is_in(client)
    if "\x00" not in "".join(WRONG[case]):
        [error] = answer.context["form"].non_field_errors()
        assert error.startswith("The name or the password is wrong.")


def test_a_name_that_is_nobodys_is_not_written_down(client, olena):
    sign_in(client, "my secret password")
    sign_in(client, "olena", "wrong")

    unknown, known = AuditEntry.objects.order_by("pk")
    assert (unknown.about, unknown.details["name"]) == ("", "unknown")
    assert (known.about, known.details["name"]) == (f"auth.user:{olena.pk}", "olena")
    assert "secret" not in "".join(map(str, AuditEntry.objects.values_list()))
    assert "secret" not in "".join(map(str, LoginAttempts.objects.values_list()))


# Lock-out


@pytest.mark.parametrize(
    ("failures", "minutes"), [(0, 0), (4, 0), (5, 1), (6, 2), (7, 4), (10, 32), (11, 60), (10_000, 60)]
)
def test_the_wait_grows_with_each_failure(failures, minutes):
    assert wait_after(failures, free=5) == timedelta(minutes=minutes)


@pytest.mark.parametrize("name", ["olena", "nobody"])
def test_after_five_failures_even_the_right_password_waits_and_one_is_told_how_long(client, olena, name):
    fail(client, name, 5)

    answer = sign_in(client, name)

    assert answer.context["form"].non_field_errors() == [
        "Signing in failed too often. Try again in 1 minute, or ask an administrator to unlock the account."
    ]
    assert not is_in(client)
    assert noted() == ["sign_in_failed"] * 5 + ["locked_out"]


def test_after_the_wait_it_works_and_the_count_begins_anew(client, olena):
    fail(client, "olena", 5)
    let_time_pass(minutes=1, seconds=1)

    assert sign_in(client, "olena").status_code == 302
    client.post(reverse("admin:logout"))
    assert "wrong" in fail(client, "olena", 4)


def test_a_failure_after_the_wait_makes_the_next_wait_longer(client, olena):
    fail(client, "olena", 5)
    let_time_pass(minutes=1, seconds=1)
    fail(client, "olena", 1)

    assert "in 2 minutes" in sign_in(client, "olena").content.decode()


def test_failures_of_long_ago_are_forgotten(client, olena):
    fail(client, "olena", 5)
    let_time_pass(days=1, minutes=1)

    assert "wrong" in fail(client, "olena", 4)


def test_however_the_name_is_spelled_it_is_one_account(client, olena):
    for name in ("olena", "Olena", "OLENA", "ｏｌｅｎａ", "olenA"):
        sign_in(client, name, "wrong")

    assert "too often" in sign_in(client, "olena").content.decode()


def test_an_address_that_tries_many_accounts_waits_for_all_of_them(client, olena, settings):
    settings.FAILED_LOGINS_OF_ADDRESS = 6
    for number in range(6):
        sign_in(client, f"nobody-{number}", "wrong", REMOTE_ADDR="192.0.2.7")

    assert "too often" in sign_in(client, "olena", REMOTE_ADDR="192.0.2.7").content.decode()
    assert sign_in(client, "olena", REMOTE_ADDR="192.0.2.8").status_code == 302


def test_an_own_account_does_not_help_to_guess_others_from_one_address(client, olena, settings):
    settings.FAILED_LOGINS_OF_ADDRESS = 6
    for number in range(6):
        sign_in(client, f"nobody-{number}", "wrong", REMOTE_ADDR="192.0.2.7")
        if number == 4:
            sign_in(Client(), "olena", REMOTE_ADDR="192.0.2.7")

    assert "too often" in sign_in(client, "olena", REMOTE_ADDR="192.0.2.7").content.decode()


def test_ipv6_addresses_of_one_network_are_one():
    assert key_of("address", "2001:db8::1") == key_of("address", "2001:db8::ffff:2") != key_of("address", "2001:db9::1")


@pytest.mark.django_db(transaction=True)
def test_a_hundred_guesses_at_once_are_a_hundred_attempts(olena):
    def guess(number: int) -> bool:
        try:
            begin_attempt("olena", f"192.0.2.{number}")
        except Exception as error:
            if type(error).__name__ != "LockedOut":
                raise
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(4) as threads:
        let_through = sum(threads.map(guess, range(100)))

    assert let_through == 5


def test_a_command_unlocks_an_account_and_an_address(client, olena, capsys):
    fail(client, "olena", 5, REMOTE_ADDR="192.0.2.7")
    call_command("unlock", "olena")
    assert "is unlocked" in capsys.readouterr().out
    assert sign_in(client, "olena").status_code == 302

    LoginAttempts.objects.create(
        key=key_of("address", "192.0.2.9"),
        failures=30,
        failed_at=timezone.now(),
        locked_until=timezone.now() + timedelta(hours=1),
    )
    call_command("unlock", "--address", "192.0.2.9")
    assert not LoginAttempts.objects.filter(key="address:192.0.2.9").exists()
    assert noted().count("unlocked") == 2


# The second step


def test_with_an_app_the_password_alone_does_not_let_in(client, olena):
    app, _codes = give_app(olena)

    answer = sign_in(client, "olena")
    assert answer.headers["Location"].startswith(reverse("admin:login_code"))
    assert not is_in(client)

    assert type_code(client, app.code()).headers["Location"] == reverse("admin:index")
    assert is_in(client)
    assert AuditEntry.objects.latest("pk").details["with"] == "password and app"


def test_a_code_is_good_once(client, olena):
    app, _codes = give_app(olena)
    code = app.code()
    sign_in(client, "olena")
    type_code(client, code)
    other = Client()
    sign_in(other, "olena")

    assert "was used already" in type_code(other, code).content.decode()
    assert not is_in(other)


@pytest.mark.parametrize(
    "code", ["000000", "abc", "", "99999999999999999999", "\u0661\u0662\u0663\u0664\u0665\u0666", "-1"]
)
def test_a_wrong_code_does_not_let_in(client, olena, code):
    give_app(olena)
    sign_in(client, "olena")

    assert type_code(client, code).status_code in (200, 403)
    assert not is_in(client)


def test_a_recovery_code_lets_in_once_however_it_is_typed(client, olena):
    _app, codes = give_app(olena)
    sign_in(client, "olena")
    assert type_code(client, f" {codes[0].upper().replace('-', ' ')} ").status_code == 302
    assert is_in(client)
    assert AuditEntry.objects.get(action="recovery_code_used").details == {"codes left": 9}

    other = Client()
    sign_in(other, "olena")
    assert type_code(other, codes[0]).status_code == 403


def test_somebody_elses_recovery_code_does_not_let_in(client, olena, make_user):
    give_app(olena)
    _app, codes = give_app(make_user("taras"))
    sign_in(client, "olena")

    assert type_code(client, codes[0]).status_code == 403


def test_codes_cannot_be_guessed_either_though_the_password_is_right_each_time(client, olena):
    give_app(olena)
    for _ in range(5):
        sign_in(client, "olena")
        type_code(client, "000000")

    assert "too often" in sign_in(client, "olena").content.decode()


def test_the_second_step_has_to_follow_the_first_one_soon(client, olena):
    app, _codes = give_app(olena)
    assert type_code(client, app.code()).headers["Location"].startswith(reverse("admin:login"))

    sign_in(client, "olena")
    session = client.session
    session["pending_login"] |= {"at": timezone.now().timestamp() - 601}
    session.save()
    assert type_code(client, app.code()).headers["Location"].startswith(reverse("admin:login"))
    assert not is_in(client)


def test_signing_out_ends_the_session_and_is_written_down(client, olena):
    sign_in(client, "olena")
    client.post(reverse("admin:logout"))

    assert not is_in(client)
    assert noted() == ["signed_in", "signed_out"]


def test_a_link_does_not_sign_anybody_out(client, olena):
    sign_in(client, "olena")

    assert client.get(reverse("admin:logout")).status_code == 405
    assert is_in(client)
