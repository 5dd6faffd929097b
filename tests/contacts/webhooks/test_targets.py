"""Which targets are kept, and how requests keep out of private networks."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from contacts.models import Webhook
from contacts.webhooks import save_webhook
from crm.errors import Refused
from crm.outbound import (
    AddressForbidden,
    AddressUnreadable,
    NoAnswer,
    check_address,
    open_connection,
    post,
    read_address,
)

FORBIDDEN = [
    "http://127.0.0.1/hook",
    "https://127.0.0.1/hook",
    "https://localhost/hook",
    "https://[::1]/hook",
    "https://10.1.2.3/hook",
    "https://192.168.0.1/hook",
    "https://172.16.0.1/hook",
    "https://100.64.0.1/hook",
    "https://169.254.169.254/latest/meta-data/",
    "https://[fe80::1]/hook",
    "https://[fd00:ec2::254]/hook",
    "https://[fec0::1]/hook",
    "https://0.0.0.0/hook",
    "https://224.0.0.1/hook",
    "https://255.255.255.255/hook",
    "https://2130706433/hook",
    "https://0x7f.1/hook",
    "https://[::ffff:127.0.0.1]/hook",
    "https://[::ffff:10.0.0.1]/hook",
    "https://[64:ff9b::a00:1]/hook",
    "https://[2002:a00:1::]/hook",
    "http://1.1.1.1/hook",
]
UNREADABLE = [
    "",
    "shop.example.com/hook",
    "ftp://1.1.1.1/hook",
    "https://",
    "https://olena:secret@1.1.1.1/hook",
    "https://1.1.1.1:99999/hook",
    "https://1.1.1.1:0/hook",
    "https://" + "a" * 300 + ".example/hook",
    "https://1.1.1.1/" + "a" * 2_000,
]


@pytest.mark.parametrize("url", FORBIDDEN)
def test_a_private_address_is_refused_however_it_is_written(url):
    with pytest.raises(AddressForbidden):
        check_address(url)


@pytest.mark.parametrize("url", UNREADABLE)
def test_what_is_no_address_of_a_server_is_refused(url):
    with pytest.raises(AddressUnreadable):
        check_address(url)


@pytest.mark.parametrize("url", ["https://1.1.1.1/hook", "https://[2606:4700::1111]:8443/hook?shop=1"])
def test_a_public_address_is_taken(url):
    assert check_address(url).host in url


def test_a_network_of_ones_own_is_opened_by_name_and_nothing_beside_it():
    assert check_address("http://127.0.0.1:8080/hook", networks=["127.0.0.0/8"]).port == 8080
    with pytest.raises(AddressForbidden):
        check_address("http://10.0.0.1/hook", networks=["127.0.0.0/8"])


def test_the_address_is_checked_again_when_it_is_called(shop, listen, play, bring, settings):
    from tests.people import have

    webhook = listen()
    settings.OUTBOUND_NETWORKS = []
    play(have("olena", {"external_id": "A-1"}))

    bring(webhook)

    assert shop.requests == []
    assert "private network" in webhook.last_error


def test_the_connection_goes_to_the_address_that_was_checked(shop):
    place = read_address(shop.url)

    with open_connection(place, seconds=5, networks=["127.0.0.0/8"]) as connection:
        assert connection.sock.getpeername() == ("127.0.0.1", place.port)


def test_a_path_with_letters_of_every_script_is_called():
    assert read_address("https://1.1.1.1/хук?q=ї&r=a%20b").path == "/%D1%85%D1%83%D0%BA?q=%D1%97&r=a%20b"


@pytest.fixture
def slow_server():
    """It takes the connection and sends a byte of a header now and then, for ever."""
    listener = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def drip() -> None:
        taken, _ = listener.accept()
        with taken:
            taken.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while not ended.wait(0.1):
                try:
                    taken.sendall(b"a")
                except OSError:
                    return

    thread = threading.Thread(target=drip, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    ended.set()
    thread.join()
    listener.close()


def test_a_server_that_drips_is_cut_off(slow_server):
    began = time.monotonic()

    with pytest.raises(NoAnswer, match="in time"):
        post(slow_server, b"{}", {}, seconds=0.8, networks=["127.0.0.0/8"])

    assert time.monotonic() - began < 3


def test_a_server_without_tls_and_one_that_does_not_listen_are_said_to_be_so(shop):
    with pytest.raises(NoAnswer, match="TLS"):
        post(shop.url.replace("http:", "https:"), b"{}", {}, seconds=5, networks=["127.0.0.0/8"])
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(NoAnswer, match="refused the connection"):
        post(f"http://127.0.0.1:{port}/", b"{}", {}, seconds=5, networks=["127.0.0.0/8"])


REFUSALS = [
    ({"url": "https://127.0.0.1/"}, "url", "address_forbidden"),
    ({"url": "nowhere"}, "url", "address_unreadable"),
    ({"url": "https://nobody.invalid/"}, "url", "address_unknown"),
    ({"kinds": []}, "kinds", "no_kinds"),
    ({"kinds": ["exploded"]}, "kinds", "unknown_kind"),
    ({"columns": ["shoe_size"]}, "columns", "unknown_column"),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("chosen", "path", "code"), REFUSALS)
def test_a_target_that_cannot_be_is_refused_with_its_field(chosen, path, code):
    right = {"name": "Shop", "url": "https://1.1.1.1/", "kinds": ["created"], "columns": ["email"]}

    with pytest.raises(Refused) as caught:
        save_webhook(Webhook(**{**right, **chosen}))

    assert [(error.path, error.code) for error in caught.value.errors] == [(path, code)]
    assert not Webhook.objects.exists()
