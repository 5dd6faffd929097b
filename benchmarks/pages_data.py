"""The contacts that ``benchmarks.pages`` looks at, made by SQL: as uneven as real ones are.

A third has no external ID, few addresses bounced, names are common or rare, changes lie scattered over the table, one
import brought most and another thirty, one static segment has a twentieth and another fifty, and one contact has a
timeline of twenty thousand events.
"""

from __future__ import annotations

from typing import Any, Final

__all__ = ["fill", "make_settings"]

LONG: Final = 4_242
"""The contact with the long timeline."""
EVENTS_OF_ONE: Final = 20_000
SMALL_IMPORT: Final = 30
FEW: Final = 50

FIRST_NAMES: Final = (
    "Олена,Anna,Андрій,Maria,Наталія,José,Ірина,Müjde,Тетяна,Łukasz,Сергій,Zoë,Оксана,Paweł,Дмитро,Chloé,Юлія,Jürgen,"
    "Олександр,Sofía,Світлана,Małgorzata,Володимир,Élodie,Людмила,Åsa,Іван,Marta,Катерина,Tomasz,Віктор,Noémie,Марія,"
    "Björn,Галина,Agnieszka,Микола,Renée,Вікторія,Krzysztof,Роман,Zuzana,Ганна,François,Василь,Ingrid,Богдан,Mónica,"
    "Соломія,Håkon,Тарас,Beatriz,Лариса,Øyvind,Максим,Júlia,Мар'яна,Šárka,Ярослав,Nguyễn"
)
STEMS: Final = (
    "Шевч,Kowal,Мельн,Smith,Бондар,Müller,Ткач,Novák,Кравч,García,Олійн,Nowak,Ковал,O'Bri,Поліщ,Schneid,Савч,Wiśni,"
    "Марч,Fernánd,Руд,Johans,Петр,Dąbrow,Іван,Lefèv,Мороз,Jørgens,Павл,Horvát,Кузьм,Dubois,Левч,Kamiń,Пономар,López,"
    "Василь,Zieliń,Гриц,Svobod,Захар,Petit,Романч,Szymań,Сидор,Weiß,Ярем,Fischer,Бойч,Çelik"
)
ENDINGS: Final = "енко,ski,ук,son,чук,er,ко,ez,ик,ová,енчук,sen,ів,et,ський,mann,ишин,ak,ар,ström"

CONTACTS = """
INSERT INTO contacts_contact (external_id, email, email_state, email_state_at, phone, phone_state, phone_state_at,
    first_name, last_name, town, language_code, attributes, state, deleted_at, identifier_kinds, made_deliberately,
    order_count, source, created_at, updated_at)
SELECT external_id, email, CASE WHEN email IS NOT NULL THEN (CASE WHEN r4 < 0.9 THEN 1 WHEN r4 < 0.96 THEN 2
        WHEN r4 < 0.995 THEN 3 WHEN r4 < 0.99998 THEN 4 ELSE 5 END) END, created_at,
    phone, CASE WHEN phone IS NOT NULL THEN (CASE WHEN r5 < 0.97 THEN 1 WHEN r5 < 0.9999 THEN 3 ELSE 5 END) END,
    created_at, first_name, last_name, (ARRAY['Kyiv', 'Lviv', 'Odesa', 'Łódź', 'Zürich', 'Malmö', 'Paris', 'Wien'])
        [1 + floor(8 * r1 * r1)], CASE WHEN r2 < 0.3 THEN 'en' ELSE 'uk' END,
    jsonb_build_object('visits', floor(50 * r3), 'tier', CASE WHEN r5 < 0.00001 THEN 'platinum' WHEN r5 < 0.05
        THEN 'gold' WHEN r5 < 0.4 THEN 'silver' ELSE 'none' END, 'newsletter', r1 < 0.5, 'birthday',
        to_char(date '1950-01-01' + (r2 * 20000)::int, 'YYYY-MM-DD'), 'tags', CASE WHEN r4 < 0.1 THEN '["vip", "b2b"]'
        ELSE '["new"]' END::jsonb, 'nickname', 'nick ' || n),
    CASE WHEN is_deleted THEN 2 ELSE 1 END, CASE WHEN is_deleted THEN updated_at END,
    CASE WHEN external_id IS NULL THEN 0 ELSE 2 END + CASE WHEN email IS NULL THEN 0 ELSE 4 END
        + CASE WHEN phone IS NULL THEN 0 ELSE 8 END + CASE WHEN r6 < 0.02 THEN 128 ELSE 0 END
        + CASE WHEN r6 BETWEEN 0.5 AND 0.50002 THEN 512 ELSE 0 END,
    true, 0, source, created_at, updated_at
FROM (
    SELECT *, CASE WHEN r1 < 0.6667 THEN 'C-' || lpad(mod(n * 7919, 100000007)::text, 9, '0') END AS external_id,
        CASE WHEN r2 < 0.88 THEN 'person.' || n || '@mail' || mod(n, 211) || '.example.com' END AS email,
        CASE WHEN r3 < 0.6 THEN '+38067' || lpad(mod(n, 10000000)::text, 7, '0') END AS phone,
        CASE WHEN n %% 1000000 = 77 THEN 'Передислав' ELSE (%(first_names)s::text[])[1 + floor(%(firsts)s * r4 * r5)]
            || CASE WHEN r6 < 0.1 THEN ' ' || (%(first_names)s::text[])[1 + floor(%(firsts)s * r1)] ELSE '' END END
            AS first_name,
        CASE WHEN n %% 1000000 = 77 THEN 'Заборонський' ELSE (%(stems)s::text[])[1 + floor(%(stem_count)s * r1 * r6)]
            || (%(endings)s::text[])[1 + floor(%(ending_count)s * r2 * r3)] END AS last_name,
        CASE WHEN r6 < 0.7 THEN 'import' WHEN r6 < 0.9 THEN 'api' WHEN r6 < 0.99 THEN 'web' WHEN r6 < 0.9999
            THEN 'mobile' ELSE 'sheet' END AS source,
        r5 > 0.5 AND r5 < 0.502 AS is_deleted,
        created_at + (%(now)s - created_at) * CASE WHEN r3 < 0.4 THEN 0 ELSE r4 * r4 END AS updated_at
    FROM (
        SELECT n, random() AS r1, random() AS r2, random() AS r3, random() AS r4, random() AS r5, random() AS r6,
            %(now)s - interval '1000 days' * (1 - n / %(contacts)s::float) AS created_at
        FROM generate_series(1, %(contacts)s::bigint) n OFFSET 0
    ) AS drawn OFFSET 0
) AS made
"""
IDENTIFIERS = """
INSERT INTO contacts_identifier (kind, app, value, contact_id, source, first_seen_at, last_seen_at)
SELECT i.kind, '', i.value, c.id, c.source, c.created_at, c.created_at
FROM contacts_contact c, LATERAL (VALUES (1, c.external_id), (2, c.email), (3, c.phone),
    (7, CASE WHEN c.identifier_kinds & 128 > 0 THEN 'push-' || c.id END),
    (9, CASE WHEN c.identifier_kinds & 512 > 0 THEN 'telegram-' || c.id END)) AS i (kind, value)
WHERE i.value IS NOT NULL
"""
CHANGES = """
INSERT INTO contacts_change (contact_id, at, by, kind, matched_by, import_id, after)
SELECT id, created_at, 'import:' || %(large)s, 'created', '', %(large)s, '{"first_name": "x"}'
FROM contacts_contact WHERE source = 'import'
"""
SMALL = """
INSERT INTO contacts_change (contact_id, at, by, kind, matched_by, import_id, before, after)
SELECT (n * 7919 * 17) %% %(contacts)s + 1, %(now)s, 'import:' || %(small)s, 'updated', 'external_id', %(small)s,
    '{"town": "Lviv"}', '{"town": "Kyiv"}' FROM generate_series(1, %(small_rows)s) n
"""
CHANGES_OF_ONE = """
INSERT INTO contacts_change (contact_id, at, by, kind, matched_by, before, after)
SELECT %(long)s, %(now)s - interval '1 hour' * (400 - n), 'user:1', 'updated', 'id',
    jsonb_build_object('town', 'Town ' || n - 1), jsonb_build_object('town', 'Town ' || n)
FROM generate_series(1, 300) n
"""
EVENTS = """
INSERT INTO contacts_event (contact_id, type_id, key, params, source, occurred_at, received_at)
SELECT 1 + floor(%(contacts)s * (((n * 7919) %% %(contacts)s) / %(contacts)s::float) ^ 2),
    CASE WHEN n %% 4 = 0 THEN %(paid)s ELSE %(viewed)s END, '',
    jsonb_build_object('category', (ARRAY['shoes', 'coats', 'hats'])[1 + n %% 3], 'price', n %% 500),
    'web', moment, moment
FROM generate_series(1, %(contacts)s::bigint) n,
    LATERAL (SELECT %(now)s - interval '1 second' * ((n * 104729) %% (500 * 86400)) AS moment) AS at
"""
EVENTS_OF_ONE_SQL = """
INSERT INTO contacts_event (contact_id, type_id, key, params, source, occurred_at, received_at)
SELECT %(long)s, CASE WHEN n %% 4 = 0 THEN %(paid)s ELSE %(viewed)s END, '', jsonb_build_object('category', 'shoes'),
    'web', moment, moment
FROM generate_series(1, %(events_of_one)s) n,
    LATERAL (SELECT %(now)s - interval '25 minutes' * n AS moment) AS at
"""
ORDERS = """
INSERT INTO contacts_order (contact_id, external_order_id, status, total_cost, currency, ordered_at, items, details,
    source, updated_at)
SELECT CASE WHEN n %% 2000 = 0 THEN %(long)s ELSE 1 + (n * 7919) %% %(contacts)s END, 'O-' || n,
    (ARRAY['DELIVERED', 'DELIVERED', 'DELIVERED', 'CANCELLED', 'IN_PROGRESS'])[1 + n %% 5], (n %% 2000)::numeric, 'UAH',
    moment, '[{"externalItemId": "A-1", "cost": 10, "quantity": 1}]', '{}', 'api', moment
FROM generate_series(1, %(contacts)s::bigint / 5) n,
    LATERAL (SELECT %(now)s - interval '1 second' * ((n * 104729) %% (500 * 86400)) AS moment) AS at
"""
TOTALS = """
INSERT INTO contacts_ordertotal (contact_id, currency, count, amount, first_at, last_at)
SELECT contact_id, currency, count(*), sum(total_cost), min(ordered_at), max(ordered_at)
FROM contacts_order WHERE status = 'DELIVERED' GROUP BY contact_id, currency
"""
MEMBERS = """
INSERT INTO segments_membership (contact_id, segment_id, added_at, by)
SELECT n, %(many)s, %(now)s, 'user:1' FROM generate_series(1, %(contacts)s, 20) n
UNION ALL
SELECT (n * 7919 * 13) %% %(contacts)s + 1, %(few)s, %(now)s, 'user:1' FROM generate_series(1, %(few_rows)s) n
ON CONFLICT DO NOTHING
"""
TABLES: Final = ("contacts_contact", "contacts_identifier", "contacts_change", "contacts_order", "segments_membership")
KEYS: Final = {
    "contacts_identifier": "value, id",
    "contacts_change": "contact_id, id",
    "contacts_order": "contact_id, id",
}


def fill(contacts: int, numbers: dict[str, int]) -> None:
    """The data, without the indexes that are made anew at the end. ``numbers`` are those of ``make_settings``."""
    from django.db import connection
    from django.utils import timezone

    from benchmarks.imports import without_indexes
    from contacts.activity.partitions import ensure_partitions

    ensure_partitions(months_back=17)
    values: dict[str, Any] = {
        "now": timezone.now(),
        "contacts": contacts,
        "long": LONG,
        "events_of_one": EVENTS_OF_ONE,
        "small_rows": SMALL_IMPORT,
        "few_rows": FEW,
        **listed("first_names", "firsts", FIRST_NAMES),
        **listed("stems", "stem_count", STEMS),
        **listed("endings", "ending_count", ENDINGS),
        **numbers,
    }
    with connection.cursor() as cursor:
        cursor.execute("SET maintenance_work_mem = '1GB'")
        cursor.execute("SET synchronous_commit = off")
        cursor.execute("SELECT setseed(0.5)")
        with without_indexes(cursor, TABLES):
            for table in KEYS:
                cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {table}_pkey")
            for statement in (CONTACTS, IDENTIFIERS, CHANGES, SMALL, CHANGES_OF_ONE, ORDERS, TOTALS):
                cursor.execute(statement, values)
            for table, key in KEYS.items():
                cursor.execute(f"ALTER TABLE {table} ADD PRIMARY KEY ({key})")
        for statement in (EVENTS, EVENTS_OF_ONE_SQL, MEMBERS):
            cursor.execute(statement, values)
        cursor.execute("RESET maintenance_work_mem")


def listed(name: str, count: str, texts: str) -> dict[str, Any]:
    found = texts.split(",")
    return {name: found, count: len(found)}


def make_settings() -> dict[str, int]:
    """Custom fields, event types, imports and segments; the ids by the name that the SQL has for them."""
    from contacts.models import CustomField, EventType, Import, ImportStatus
    from segments.catalogue import save_segment
    from segments.models import Segment, SegmentType

    for key, field_type, options in (
        ("visits", "number", []),
        ("tier", "choice", ["platinum", "gold", "silver", "none"]),
        ("newsletter", "boolean", []),
        ("birthday", "date", []),
        ("tags", "choices", ["vip", "new", "b2b"]),
        ("nickname", "text", []),
    ):
        CustomField.objects.create(key=key, label=key.title(), type=field_type, options=options)
    runs = {
        name: Import.objects.create(file_name=f"{name}.csv", by="user:1", status=ImportStatus.FINISHED, rows_done=1).pk
        for name in ("large", "small")
    }
    lists = {name: save_segment(Segment(name=name.title(), type=SegmentType.STATIC)).pk for name in ("many", "few")}
    dynamic = {
        name: save_segment(Segment(name=name.title(), type=SegmentType.DYNAMIC, definition=_define(value))).pk
        for name, value in (("silver", "silver"), ("platinum", "platinum"))
    }
    types = {key: EventType.objects.create(key=key).pk for key in ("viewed", "paid")}
    return {**runs, **lists, **dynamic, **types}


def _define(tier: str) -> dict[str, object]:
    return {"version": 1, "match": {"field": "fields.tier", "op": "is", "value": tier}}
