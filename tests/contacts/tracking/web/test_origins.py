"""Addresses of websites, as people write them."""

import pytest

from contacts.origins import InvalidOrigin, domains_of, read_origin

WRITTEN = {
    "https://shop.example.com": "https://shop.example.com",
    " HTTPS://Shop.Example.com/ ": "https://shop.example.com",
    "shop.example.com": "https://shop.example.com",
    "*.example.com": "https://*.example.com",
    "https://*.example.com:8443": "https://*.example.com:8443",
    "http://localhost:3000": "http://localhost:3000",
    "https://shop.example.com:443": "https://shop.example.com",
    "http://shop.example.com:80": "http://shop.example.com",
    "https://магазин.укр": "https://xn--80aairftm.xn--j1amh",
    "http://127.0.0.1:8000": "http://127.0.0.1:8000",
    "http://[::1]:8000": "http://[::1]:8000",
}


@pytest.mark.parametrize("text", WRITTEN)
def test_an_address_becomes_what_browsers_send(text):
    assert read_origin(text) == WRITTEN[text]


REFUSED = """
*
https://
ftp://shop.example.com
https://shop.example.com/boots
https://shop.example.com?x=1
https://a b.com
olena@example.com
*.com
https://*.*.com
https://shop.*.com
https://-a.com
https://a..com
https://a.com:x
https://a.com:99999
https://[::
javascript:alert(1)
"""


@pytest.mark.parametrize("text", [*REFUSED.splitlines()[1:], "", "x" * 400])
def test_what_is_none_is_refused(text):
    with pytest.raises(InvalidOrigin):
        read_origin(text)


def test_subdomains_of_one_domain_share_a_cookie():
    assert domains_of(["https://shop.example.com", "https://*.example.com:8443", "https://*.example.com"]) == [
        "example.com"
    ]
