"""How often a key may call, and what a call that is sent twice comes to."""

import multiprocessing
import shutil
import socket
import subprocess
import time
from datetime import timedelta

import pytest
from django.core.cache import caches
from django.test import Client
from django.urls import path
from django.utils import timezone
from rest_framework.response import Response

from crm import urls
from crm.api import counters
from crm.api.answers import KEPT_FOR, UNDER_WAY_FOR, erase_answers, forget_old_answers
from crm.api.counters import CacheCounter
from crm.api.errors import Malformed
from crm.api.keys import create_api_key
from crm.api.renderers import Sentence
from crm.api.shared_memory import DIGEST_BYTES, SharedTable
from crm.api.views import ApiView
from crm.models import ApiKey, StoredAnswer
from tests.crm.counting import count_many

made = []


class Things(ApiView):
    """Makes a thing with each call, unless the body says what goes wrong."""

    area = "contacts"

    def get(self, request):
        return Response(len(made))

    def post(self, request):
        match request.data.get("wrong"):
            case "refused":
                raise Malformed
            case "answered":
                return Response({"no": 1}, status=409)
            case "broken":
                raise ZeroDivisionError
        made.append(request.data)
        self.about = request.data.get("about")
        return Response({"made": len(made)}, status=201)

    def delete(self, request):
        made.clear()
        return Response(Sentence("All gone"))

    def put(self, request):
        made.append("put")
        return Response(None)


class ThingsOnce(Things):
    refuses_repeats = True


class Search(Things):
    rate = "search"


class Events(Things):
    rate = "events"


urlpatterns = [
    path("api/things", Things.as_view()),
    path("api/once", ThingsOnce.as_view()),
    path("api/search", Search.as_view()),
    path("api/events", Events.as_view()),
    *urls.urlpatterns,
]
handler500 = urls.handler500
pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]


@pytest.fixture(autouse=True)
def _nothing_made():
    made.clear()


# Counting


def digest(number: int) -> bytes:
    return number.to_bytes(4, "little") + b"\1" * (DIGEST_BYTES - 4)


@pytest.fixture
def table(tmp_path):
    return SharedTable(tmp_path / "table", buckets=4)


@pytest.fixture(params=["shared memory", "a cache"])
def counter(request, table):
    return table if request.param == "shared memory" else CacheCounter(f"test-{time.time_ns()}")


def test_what_comes_is_counted_by_its_digest_until_it_is_forgotten(counter):
    now = time.time()

    counted = [counter.count(digest(n), now=now, until=now + 60) for n in (1, 1, 2, 1)]
    counter.forget(digest(1))

    assert counted == [1, 2, 1, 3]
    assert [counter.count(digest(n), now=now, until=now + 60) for n in (1, 2)] == [1, 2]


def test_a_count_ends_with_its_time_and_with_a_clock_set_back(table):
    table.count(digest(1), now=100.5, until=160.5)

    assert table.count(digest(1), now=160.4, until=220.4) == 2
    assert table.count(digest(1), now=160.5, until=220.5) == 1
    assert table.count(digest(1), now=10.0, until=70.0) == 1


def test_a_full_bucket_gives_up_what_ends_first(table):
    for number in range(9):  # one more than its places
        table.count(digest(number * 4), now=100, until=150 + number)

    assert table.count(digest(8 * 4), now=101, until=161) == 2
    assert table.count(digest(1 * 4), now=101, until=161) == 2
    assert table.count(digest(0), now=101, until=161) == 1


def test_processes_and_threads_count_together(tmp_path):
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=count_many, args=(tmp_path / "table", digest(1), 500)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()

    assert SharedTable(tmp_path / "table", buckets=4).count(digest(1), now=100, until=160) == 1501


@pytest.fixture
def redis_url(tmp_path):
    server = shutil.which("redis-server")
    if server is None:
        pytest.skip("there is no redis-server here")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [server, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)],
        stdout=subprocess.DEVNULL,
    )
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    yield f"redis://127.0.0.1:{port}/0"
    process.terminate()
    process.wait()


def test_over_several_machines_calls_are_counted_in_redis(redis_url, settings, call_api):
    settings.CACHE_URL = redis_url
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": redis_url},
    }
    counters.counter.cache_clear()
    try:
        answers = [call_api("post", "/api/once", {"a": 1}).status_code for _ in range(2)]
        rates = [int(call_api("get", "/api/search")["X-RateLimit-Remaining"]) for _ in range(2)]
    finally:
        counters.counter.cache_clear()
        caches["default"].close()

    assert answers == [201, 409]
    assert rates in ([49, 48], [49, 49])  # the second may have ended in between


# Rates


@pytest.mark.parametrize(("address", "limit"), [("things", 200), ("search", 50), ("events", 350)])
def test_each_kind_of_call_has_its_limit_and_says_what_is_left(call_api, address, limit):
    answer = call_api("get", f"/api/{address}")

    assert (answer["X-RateLimit-Limit"], answer["X-RateLimit-Reset"]) == (str(limit), "1")
    assert int(answer["X-RateLimit-Remaining"]) == limit - 1


def wait_for_a_second_to_begin():
    time.sleep(1 - time.time() % 1)


@pytest.fixture
def slow_client():
    """With a key that may call three times a second."""
    secret = create_api_key("Shop", scope="full", calls_a_second=3)[1]
    return Client(HTTP_AUTHORIZATION=f"apiKey 1:{secret}", raise_request_exception=False)


def test_one_call_more_is_429_until_the_second_is_over(slow_client):
    wait_for_a_second_to_begin()

    answers = [slow_client.get("/api/things") for _ in range(4)]
    other_kind = slow_client.get("/api/search")
    wait_for_a_second_to_begin()

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[3].json()["code"] == "too_many_requests"
    assert (answers[3]["Retry-After"], answers[3]["X-RateLimit-Remaining"]) == ("1", "0")
    assert other_kind.status_code == 200
    assert slow_client.get("/api/things").status_code == 200


def test_refused_calls_do_not_count_as_bodies_sent(slow_client):
    wait_for_a_second_to_begin()
    for _ in range(3):
        slow_client.get("/api/once")
    assert slow_client.post("/api/once", {"a": 1}, "application/json").status_code == 429
    wait_for_a_second_to_begin()

    assert slow_client.post("/api/once", {"a": 1}, "application/json").status_code == 201


def test_another_key_is_counted_apart(call_api):
    call_api("get", "/api/things")

    assert call_api("get", "/api/things", scope="read")["X-RateLimit-Remaining"] == "199"


# The same body again


def test_the_same_body_again_is_a_duplicate(call_api):
    first, second = (call_api("post", address, {"a": 1}) for address in ("/api/once", "/api/once/"))

    assert (first.status_code, second.status_code) == (201, 409)
    assert second.content == b"Duplicated request"
    assert second["Content-Type"] == "application/json; charset=UTF-8"
    assert len(made) == 1


NOT_REPEATED = {
    "another body": ("post", "/api/once", {"a": 2}, "full"),
    "another key": ("post", "/api/once", {"a": 1}, "contacts_and_events"),
    "another call": ("post", "/api/things", {"a": 1}, "full"),
    "other parameters": ("post", "/api/once?b=1", {"a": 1}, "full"),
    "another method": ("put", "/api/once", {"a": 1}, "full"),
}


@pytest.mark.parametrize("sent", NOT_REPEATED)
def test_what_differs_is_no_duplicate(call_api, sent):
    method, address, body, scope = NOT_REPEATED[sent]
    call_api("post", "/api/once", {"a": 1})

    assert call_api(method, address, body, scope=scope).status_code in (200, 201)


@pytest.mark.parametrize("wrong", ["refused", "answered", "broken"])
@pytest.mark.parametrize("name", ["", "K-1"])
def test_what_was_refused_may_be_sent_again(slow_client, wrong, name):
    ApiKey.objects.update(calls_a_second=None)
    headers = {"HTTP_IDEMPOTENCY_KEY": name} if name else {}

    codes = {slow_client.post("/api/once", {"wrong": wrong}, "application/json", **headers).status_code for _ in "ab"}

    assert codes == {{"refused": 400, "answered": 409, "broken": 500}[wrong]}
    assert not StoredAnswer.objects.exists()


def test_a_body_is_a_duplicate_for_a_minute(tmp_path):
    now = time.time()
    body = counters.digest_of(tmp_path.name.encode())

    counted = [counters.count("bodies", body, seconds=60, now=now + after) for after in (0, 59, 60.5)]

    assert counted == [1, 2, 1]


# Idempotency keys


@pytest.mark.parametrize("address", ["/api/things", "/api/once"])
def test_a_call_with_a_key_is_answered_again_and_done_once(call_api, address):
    first, second = (call_api("post", address, {"a": 1}, HTTP_IDEMPOTENCY_KEY="K-1") for _ in "ab")

    assert (first.status_code, first.content) == (second.status_code, second.content) == (201, b'{"made":1}')
    assert second["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first
    assert len(made) == 1


@pytest.mark.parametrize(("method", "said"), [("delete", b"All gone"), ("put", b"")])
def test_sentences_and_empty_answers_are_kept_as_well(call_api, method, said):
    answers = [call_api(method, "/api/things", HTTP_IDEMPOTENCY_KEY="K-1").content for _ in "ab"]

    assert answers == [said, said]
    assert made in ([], ["put"])


def test_a_new_key_replaces_the_rule_of_the_minute(call_api):
    codes = [call_api("post", "/api/once", {"a": 1}, HTTP_IDEMPOTENCY_KEY=f"K-{n}").status_code for n in (1, 2)]

    assert codes == [201, 201]


def test_reading_takes_no_key(call_api):
    call_api("get", "/api/things", HTTP_IDEMPOTENCY_KEY="K-1")

    assert not StoredAnswer.objects.exists()


REFUSED_KEYS = {
    "sent with another body": ({"a": 2}, "K-1", 409, "idempotency_key_reused"),
    "too long": ({"a": 1}, "K" * 256, 400, "invalid_idempotency_key"),
}


@pytest.mark.parametrize("sent", REFUSED_KEYS)
def test_a_key_is_refused(call_api, sent):
    body, name, status, code = REFUSED_KEYS[sent]
    call_api("post", "/api/things", {"a": 1}, HTTP_IDEMPOTENCY_KEY="K-1")

    answer = call_api("post", "/api/things", body, HTTP_IDEMPOTENCY_KEY=name)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert len(made) == 1


def test_a_method_that_is_not_offered_asks_for_no_key(call_api):
    call_api("post", "/api/things", {"a": 1}, HTTP_IDEMPOTENCY_KEY="K-1")

    answer = call_api("patch", "/api/things", {"a": 2}, HTTP_IDEMPOTENCY_KEY="K-1")

    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")


def test_two_callers_may_use_the_same_key(call_api):
    codes = [
        call_api("post", "/api/things", {"a": n}, scope=scope, HTTP_IDEMPOTENCY_KEY="K-1").status_code
        for n, scope in enumerate(["full", "contacts_and_events"])
    ]

    assert codes == [201, 201]


def test_while_a_call_is_under_way_the_same_one_is_told_to_wait(call_api):
    call_api("post", "/api/things", {"a": 1}, HTTP_IDEMPOTENCY_KEY="K-1")
    StoredAnswer.objects.update(status=None, body=None)

    early = call_api("post", "/api/things", {"a": 1}, HTTP_IDEMPOTENCY_KEY="K-1")
    StoredAnswer.objects.update(created_at=timezone.now() - UNDER_WAY_FOR - timedelta(seconds=1))
    later = call_api("post", "/api/things", {"a": 1}, HTTP_IDEMPOTENCY_KEY="K-1")

    assert (early.status_code, early.json()["code"], early["Retry-After"]) == (409, "request_under_way", "1")
    assert later.status_code == 201


@pytest.mark.parametrize(("about", "is_erased"), [([7], True), ([7, 8], True), ([8], False), (None, True)])
def test_an_answer_about_somebody_erased_is_erased_and_the_call_stays_done(call_api, about, is_erased):
    call_api("post", "/api/things", {"about": about}, HTTP_IDEMPOTENCY_KEY="K-1")

    erase_answers([7])
    answer = call_api("post", "/api/things", {"about": about}, HTTP_IDEMPOTENCY_KEY="K-1")

    assert answer.json() == ({"made": 1} if not is_erased else answer.json())
    assert answer.status_code == (409 if is_erased else 201)
    assert answer.json().get("code") == ("answer_erased" if is_erased else None)
    assert len(made) == 1


def test_answers_are_forgotten_after_a_day(call_api):
    for name in ("K-1", "K-2"):
        call_api("post", "/api/things", {"a": name}, HTTP_IDEMPOTENCY_KEY=name)
    old = StoredAnswer.objects.order_by("pk")[:1]
    StoredAnswer.objects.filter(pk__in=[old[0].pk]).update(created_at=timezone.now() - KEPT_FOR - timedelta(seconds=1))

    again = call_api("post", "/api/things", {"a": "K-1"}, HTTP_IDEMPOTENCY_KEY="K-1")
    StoredAnswer.objects.update(created_at=timezone.now() - KEPT_FOR - timedelta(seconds=1))
    forget_old_answers()

    assert again.json() == {"made": 3}
    assert not StoredAnswer.objects.exists()


def test_whoever_is_erased_takes_the_stored_answers_along(call_api):
    olena, maria = (
        call_api("post", "/api/v1/contact", {"externalCustomerId": name}, HTTP_IDEMPOTENCY_KEY=name).json()["id"]
        for name in ("Olena", "Maria")
    )

    call_api("delete", f"/api/v1/contact/{olena}?erase=true")

    kept = {answer.about[0] for answer in StoredAnswer.objects.exclude(body=None)}
    assert kept == {maria}
    assert not StoredAnswer.objects.filter(about__contains=[olena]).exists()
