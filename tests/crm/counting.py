"""A process that counts, without Django."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from crm.api.shared_memory import SharedTable


def count_many(path: Path, digest: bytes, times: int) -> None:
    table = SharedTable(path, buckets=4)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: table.count(digest, now=100, until=160), range(times)))
