"""One's own account: password, two-factor login, sessions; and what an administrator does for others."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crm.login import second_factor, sessions
from crm.login.devices import describe_device
from crm.models import AuditEntry, LoginAttempts, RecoveryCode, Role, Session
from crm.roles import role_of
from tests.crm.login.conftest import PASSWORD, App, give_app, is_in, require_two_factor, sign_in, type_code

pytestmark = pytest.mark.django_db

TWO_FACTOR = reverse("admin:account_two_factor")
NEW_PASSWORD = "staple, correct horse"
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile Safari/604.1"


@pytest.fixture
def browser_of():
    """``browser_of("olena", WINDOWS)``: signed in, some time ago if asked for."""

    def make(name: str, agent: str = WINDOWS, **extra: str) -> Client:
        client = Client(HTTP_USER_AGENT=agent, **extra)
        sign_in(client, name)
        return client

    return make


def grow_old(client: Client, **ago: float) -> None:
    session = client.session
    for name in ("started_at", "seen_at", "confirmed_at"):
        session[name] -= timedelta(**ago).total_seconds()
    session.save()


def said(answer) -> str:
    return " ".join(str(message) for message in answer.context["messages"])


# Sessions


DEVICES = {
    WINDOWS: "Firefox on Windows",
    PHONE: "Safari on iPhone",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/142.0 Safari/537.36 Edg/142.0": "Edge on Linux",
    "Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 Chrome/142.0 Mobile Safari/537.36": "Chrome on Android",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1 Version/18.0 Safari/605.1": "Safari on macOS",
    "curl/8.0": "curl",
    "": "An unknown device",
}


@pytest.mark.parametrize("agent", DEVICES)
def test_a_device_is_told_in_words(agent):
    assert describe_device(agent) == DEVICES[agent]


def test_one_sees_where_one_is_signed_in_and_ends_another_session(olena, browser_of):
    desk = browser_of("olena", WINDOWS, REMOTE_ADDR="192.0.2.7")
    phone = browser_of("olena", PHONE, REMOTE_ADDR="192.0.2.8")

    page = desk.get(reverse("admin:account_sessions"))
    rows = page.context["rows"]
    assert [(row.device, row.address, row.is_this) for row in rows] == [
        ("Firefox on Windows", "192.0.2.7", True),
        ("Safari on iPhone", "192.0.2.8", False),
    ]
    assert phone.session.session_key not in page.content.decode()

    desk.post(reverse("admin:account_sessions"), {"session": rows[1].id})
    assert (is_in(desk), is_in(phone)) == (True, False)


def test_all_others_are_ended_at_once_but_nobody_elses(olena, make_user, browser_of):
    make_user("taras")
    desk, phone, theirs = browser_of("olena"), browser_of("olena", PHONE), browser_of("taras")

    desk.post(reverse("admin:account_sessions"), {"session": sessions.public_id(theirs.session.session_key)})
    assert is_in(theirs)
    desk.post(reverse("admin:account_sessions"), {"session": "others"})

    assert (is_in(desk), is_in(phone), is_in(theirs)) == (True, False, True)
    assert AuditEntry.objects.filter(action="session_ended").count() == 1


def test_a_session_does_not_last_for_ever_nor_idle(olena, browser_of, settings):
    desk = browser_of("olena")
    grow_old(desk, days=settings.SESSION_DAYS, minutes=-1)
    assert is_in(desk)
    grow_old(desk, minutes=2)
    assert not is_in(desk)

    idle = browser_of("olena")
    Session.objects.filter(session_key=idle.session.session_key).update(expire_date=timezone.now())
    assert not is_in(idle)


def test_a_session_in_use_moves_on(olena, browser_of):
    desk = browser_of("olena")
    grow_old(desk, minutes=6)

    is_in(desk)

    seen_at = Session.objects.get().seen_at
    assert seen_at
    assert timezone.now() - seen_at < timedelta(minutes=1)


def test_old_sessions_are_forgotten(olena, browser_of):
    browser_of("olena")
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    sessions.forget_old_sessions()

    assert not Session.objects.exists()


# Password


def change(client: Client, old: str, new: str):
    return client.post(
        reverse("admin:password_change"), {"old_password": old, "new_password1": new, "new_password2": new}
    )


def test_a_new_password_ends_all_other_sessions(olena, browser_of):
    desk, phone = browser_of("olena"), browser_of("olena", PHONE)

    assert change(desk, PASSWORD, NEW_PASSWORD).status_code == 302

    assert (is_in(desk), is_in(phone)) == (True, False)
    assert Session.objects.filter(user=olena).count() == 1
    assert AuditEntry.objects.filter(action="password_changed").count() == 1
    assert sign_in(Client(), "olena", NEW_PASSWORD).status_code == 302


@pytest.mark.parametrize("password", ["short", "password1234", "123456789012", "olena@example.com"])
def test_a_password_that_is_easily_guessed_is_refused(olena, browser_of, password):
    answer = change(browser_of("olena"), PASSWORD, password)

    assert answer.status_code == 200
    assert answer.context["form"].errors["new_password2"]


def test_the_old_password_is_needed_for_a_new_one(olena, browser_of):
    assert change(browser_of("olena"), "wrong", NEW_PASSWORD).context["form"].errors["old_password"]


# Two-factor login


def set_up(client: Client) -> tuple[App, list[str]]:
    client.post(TWO_FACTOR, {"step": "begin"})
    app = App(client.session["two_factor_secret"])
    answer = client.post(TWO_FACTOR, {"step": "finish", "code": app.code()})
    return app, answer.context["codes"]


def test_it_is_on_with_the_first_code_and_the_recovery_codes_are_shown_this_once(olena, browser_of):
    desk, phone = browser_of("olena"), browser_of("olena", PHONE)
    page = desk.get(TWO_FACTOR).content.decode()
    assert "<svg" not in page
    desk.post(TWO_FACTOR, {"step": "begin"})
    assert "<svg" in desk.get(TWO_FACTOR).content.decode()

    _app, codes = set_up(desk)

    assert len(set(codes)) == 10
    assert all(re.fullmatch(r"([0-9a-z]{4}-){3}[0-9a-z]{4}", code) for code in codes)
    assert not any(code in desk.get(TWO_FACTOR).content.decode() for code in codes)
    kept = {bytes(digest) for digest in RecoveryCode.objects.values_list("digest", flat=True)}
    assert not any(code.replace("-", "").encode() in digest for code in codes for digest in kept)
    assert (is_in(desk), is_in(phone)) == (True, False)


def test_a_wrong_first_code_leaves_it_off(olena, browser_of):
    desk = browser_of("olena")
    desk.post(TWO_FACTOR, {"step": "begin"})

    assert "another code" in desk.post(TWO_FACTOR, {"step": "finish", "code": "000000"}).content.decode()
    assert not second_factor.has_second_factor(olena)
    assert not RecoveryCode.objects.exists()


def test_what_matters_asks_again_who_is_there_after_a_while(olena, browser_of):
    desk = browser_of("olena")
    _app, codes = set_up(desk)
    grow_old(desk, minutes=16)

    answer = desk.post(TWO_FACTOR, {"step": "off"})
    assert answer.headers["Location"].startswith(reverse("admin:account_confirm"))
    assert second_factor.has_second_factor(olena)

    assert desk.post(answer.headers["Location"], {"code": "000000"}).status_code == 200
    assert desk.post(answer.headers["Location"], {"code": codes[0]}).headers["Location"] == TWO_FACTOR
    desk.post(TWO_FACTOR, {"step": "off"})
    assert not second_factor.has_second_factor(olena)
    assert not RecoveryCode.objects.exists()


def test_somebody_without_an_app_is_asked_for_the_password(make_user, browser_of):
    make_user("oksana", "administrator")
    desk = browser_of("oksana")
    grow_old(desk, minutes=16)

    answer = desk.get(reverse("admin:crm_apikey_add"))
    where = answer.headers["Location"]
    assert where.startswith(reverse("admin:account_confirm"))
    assert "wrong" in desk.post(where, {"password": "wrong"}).content.decode()
    assert desk.post(where, {"password": PASSWORD}).status_code == 302
    assert desk.get(reverse("admin:crm_apikey_add")).status_code == 200


def test_new_recovery_codes_make_the_old_ones_void(olena, browser_of):
    desk = browser_of("olena")
    _app, old = set_up(desk)

    new = desk.post(TWO_FACTOR, {"step": "codes"}).context["codes"]

    assert not set(old) & set(new)
    client = Client()
    sign_in(client, "olena")
    assert type_code(client, old[0]).status_code == 403
    assert type_code(client, new[0]).status_code == 302


def test_a_role_may_require_it_and_then_it_comes_before_anything_else(olena, make_user, browser_of):
    desk, others = browser_of("olena"), browser_of(make_user("uliana", "auditor").username)
    require_two_factor("marketer")

    for page in ("admin:index", "admin:contacts_contact_changelist", "admin:account"):
        assert desk.get(reverse(page)).headers["Location"] == TWO_FACTOR
    assert "Your role requires" in desk.get(TWO_FACTOR).content.decode()
    assert is_in(others)

    set_up(desk)
    assert is_in(desk)
    desk.post(TWO_FACTOR, {"step": "off"})
    assert second_factor.has_second_factor(olena)


def test_whoever_must_set_it_up_can_still_leave(olena, browser_of):
    desk = browser_of("olena")
    require_two_factor("marketer")

    assert desk.post(reverse("admin:logout")).headers["Location"] == reverse("admin:login")


# What administrators do for others


@pytest.fixture
def oksana(make_user) -> User:
    return make_user("oksana", "administrator", first_name="Oksana")


@pytest.fixture
def desk(oksana, browser_of) -> Client:
    return browser_of("oksana")


def page_of(user: User) -> str:
    return reverse("admin:auth_user_change", args=[user.pk])


def do(client: Client, user: User, verb: str):
    return client.post(reverse("admin:auth_user_do", args=[user.pk, verb]), follow=True)


def filled(user: User, **changes: str) -> dict[str, str]:
    values = {"username": user.username, "first_name": user.first_name, "last_name": "", "email": user.email}
    values |= {"role": role_of(user), "is_active": "on" if user.is_active else "", **changes}
    return {name: value for name, value in values.items() if value}


def test_a_new_user_chooses_the_password_by_a_link_that_is_good_once(desk):
    answer = desk.post(
        reverse("admin:auth_user_add"),
        {"username": "yaroslav", "email": "yaroslav@example.com", "role": "auditor", "is_active": "on"},
        follow=True,
    )
    user = User.objects.get(username="yaroslav")
    assert (role_of(user), user.is_staff, user.is_superuser, user.has_usable_password()) == (
        "auditor",
        True,
        False,
        False,
    )
    [link] = re.findall(r"http://\S+", re.sub(r"<[^>]+>", " ", said(answer)))
    [letter] = mail.outbox
    assert link in letter.body
    assert letter.to == ["yaroslav@example.com"]
    assert link not in "".join(map(str, AuditEntry.objects.values_list()))

    guest = Client()
    page = guest.get(link, follow=True)
    choose = page.redirect_chain[0][0]
    assert "You sign in as" in page.content.decode()
    assert page.headers["Content-Security-Policy"].count("unsafe") == 0
    answer = guest.post(choose, {"new_password1": "short", "new_password2": "short"})
    assert answer.context["form"].errors
    answer = guest.post(choose, {"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}, follow=True)
    assert "Your password is set" in answer.content.decode()
    assert sign_in(guest, "yaroslav", NEW_PASSWORD).status_code == 302
    assert "used already, or is too old" in Client().get(link).content.decode()
    actions = AuditEntry.objects.filter(about=f"auth.user:{user.pk}").order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["added", "role_changed", "invited", "password_changed"]


def test_a_user_is_changed_in_words_and_the_role_is_written_down(desk, olena):
    assert "superuser" not in desk.get(page_of(olena)).content.decode().lower()

    answer = desk.post(page_of(olena), filled(olena, role="auditor", last_name="Kovalenko"))

    assert answer.status_code == 302, answer.context["adminform"].form.errors
    olena.refresh_from_db()
    assert role_of(olena) == "auditor"
    assert list(olena.groups.values_list("name", flat=True)) == ["Auditor"]
    changed = AuditEntry.objects.get(action="role_changed")
    assert changed.details["role →"] == ["marketer", "auditor"]
    assert AuditEntry.objects.get(action="changed").details["last_name →"] == ["", "Kovalenko"]


@pytest.mark.parametrize("changes", [{"role": "marketer"}, {"is_active": ""}])
def test_the_last_administrator_stays_one(desk, oksana, make_user, changes):
    answer = desk.post(page_of(oksana), filled(oksana, **changes))
    assert "Nobody else is an administrator" in answer.content.decode()

    make_user("nadiya", "administrator")
    assert desk.post(page_of(oksana), filled(oksana, **changes)).status_code == 302


def test_a_shut_account_is_signed_out_at_once(desk, olena, browser_of):
    theirs = browser_of("olena")

    desk.post(page_of(olena), filled(olena, is_active=""))

    assert not is_in(theirs)
    assert sign_in(Client(), "olena").status_code == 403


def test_an_administrator_unlocks_resets_and_signs_out(desk, olena, browser_of):
    theirs = browser_of("olena")
    give_app(olena)
    for _ in range(5):
        sign_in(Client(), "olena", "wrong")
    assert "Locked out until" in desk.get(page_of(olena)).content.decode()

    do(desk, olena, "unlock")
    assert not LoginAttempts.objects.filter(user=olena).exists()
    do(desk, olena, "sign-out")
    assert not is_in(theirs)
    do(desk, olena, "two-factor")
    assert not second_factor.has_second_factor(olena)
    assert sign_in(Client(), "olena").headers["Location"] == reverse("admin:index")
    actions = set(AuditEntry.objects.values_list("action", flat=True))
    assert {"unlocked", "session_ended", "two_factor_reset"} <= actions


def test_lock_outs_are_listed_and_ended(desk, olena):
    for name in ("olena", "nobody"):
        for _ in range(5):
            sign_in(Client(), name, "wrong", REMOTE_ADDR="192.0.2.7")
    page = desk.get(reverse("admin:crm_loginattempts_changelist"))
    text = page.content.decode()
    assert all(part in text for part in ("olena", "An unknown account", "192.0.2.7"))

    ids = list(LoginAttempts.objects.values_list("pk", flat=True))
    desk.post(reverse("admin:crm_loginattempts_changelist"), {"action": "unlock", "_selected_action": ids})
    assert not LoginAttempts.objects.exists()


def test_taking_an_account_over_asks_again_who_is_there(desk, olena):
    give_app(olena)
    grow_old(desk, minutes=16)

    for verb in ("link", "two-factor"):
        answer = desk.post(reverse("admin:auth_user_do", args=[olena.pk, verb]))
        assert answer.headers["Location"].startswith(reverse("admin:account_confirm"))
    assert second_factor.has_second_factor(olena)
    assert not mail.outbox


def test_the_list_says_role_last_login_and_two_factor_login(desk, olena):
    give_app(olena)

    text = " ".join(desk.get(reverse("admin:auth_user_changelist")).content.decode().split())

    assert all(part in text for part in ("Oksana", "Administrator", "Marketer", "never", "may sign in"))


def test_requiring_two_factor_login_is_written_down(desk):
    role = Role.objects.get(key="marketer")

    desk.post(reverse("admin:crm_role_change", args=[role.pk]), {"two_factor_required": "on"})

    role.refresh_from_db()
    assert role.two_factor_required
    assert AuditEntry.objects.get(action="changed").details["two_factor_required →"] == [False, True]


def test_the_audit_log_is_read_and_searched(make_user, desk, olena):
    sign_in(Client(), "olena", "wrong", REMOTE_ADDR="192.0.2.7")
    auditor = Client()
    auditor.force_login(make_user("uliana", "auditor"))
    page = reverse("admin:crm_auditentry_changelist")

    assert "Could not sign in" in auditor.get(page).content.decode()
    found = [auditor.get(page, {"q": term}).context["cl"].result_list for term in ("olena", "192.0.2.7", "oksana")]
    assert [[entry.action for entry in entries] for entries in found] == [
        ["sign_in_failed"],
        ["sign_in_failed"],
        ["signed_in"],
    ]
    assert auditor.get(page, {"action__exact": "signed_in"}).context["cl"].result_count == 1
    assert desk.get(page, {"q": f"auth.user:{olena.pk}"}).context["cl"].result_count == 1
