"""The second factor: six digits of an app (TOTP, RFC 6238), by django-otp; its secret as a QR code, by segno.

A code is good once, and for half a minute before and after. How often one may guess is said by ``crm.login.attempts``.
"""

from __future__ import annotations

import base64
import binascii
import re

import segno
from django.contrib.auth.models import User
from django.db import transaction
from django.utils.safestring import SafeString, mark_safe
from django_otp.plugins.otp_totp.models import TOTPDevice
from django_otp.util import random_hex

from crm.login import recovery

__all__ = ["check_code", "draw_secret", "has_second_factor", "new_secret", "remove", "set_up", "spell_secret"]

NAME = "app"


def has_second_factor(user: User) -> bool:
    return TOTPDevice.objects.filter(user=user, confirmed=True).exists()


def new_secret() -> str:
    """In hexadecimal digits; it is not kept until the first code proves that the app has it."""
    return str(random_hex(20))


def spell_secret(secret: str) -> str:
    """As apps take it by hand: in groups of four."""
    text = base64.b32encode(binascii.unhexlify(secret)).decode()
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def draw_secret(user: User, secret: str) -> SafeString:
    """The QR code as SVG."""
    address = TOTPDevice(user=user, key=secret, name=NAME).config_url
    drawn = segno.make(address, error="m", micro=False)
    svg: str = drawn.svg_inline(scale=5, border=4, dark="#000", light="#fff", svgclass="login-qr", lineclass=None)
    return mark_safe(svg)  # noqa: S308  # drawn by us, of letters and digits


def set_up(user: User, secret: str, code: str) -> list[str] | None:
    """Switch it on with the first code of the app: the recovery codes, None where the code is wrong."""
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)  # two pages at once: the later one replaces the earlier
        TOTPDevice.objects.filter(user=user).delete()
        device = TOTPDevice.objects.create(user=user, key=secret, name=NAME, confirmed=True)
        if not device.verify_token(_digits(code)):
            transaction.set_rollback(True)
            return None
        return recovery.make_codes(user)


def check_code(user: User, code: str) -> bool:
    """Whether the app shows this now, and it was not used before."""
    with transaction.atomic():
        device = TOTPDevice.objects.select_for_update().filter(user=user, confirmed=True).first()
        return device is not None and bool(device.verify_token(_digits(code)))


def remove(user: User) -> bool:
    """Switch it off, recovery codes included: whether it was on."""
    with transaction.atomic():
        deleted, _by_model = TOTPDevice.objects.filter(user=user).delete()
        recovery.RecoveryCode.objects.filter(user=user).delete()
    return deleted > 0


def _digits(code: str) -> str:
    """People type spaces. What is no number is wrong rather than an error."""
    text = re.sub(r"\s", "", code)
    return text if re.fullmatch(r"[0-9]{1,10}", text) else "-1"
