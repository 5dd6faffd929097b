-- The best SQL that we can write by hand for each definition of benchmarks/segments.py, over the same schema and indexes.
-- %(now)s is the moment of asking, in an account that keeps UTC. Each statement counts active contacts (state 1).

-- name: external_id_empty
SELECT count(*) FROM contacts_contact WHERE state = 1 AND external_id IS NULL;

-- name: anonymous
SELECT count(*) FROM contacts_contact
WHERE state = 1 AND identifier_kinds & 30 = 0 AND order_count = 0 AND NOT made_deliberately;

-- name: no_email
SELECT count(*) FROM contacts_contact WHERE state = 1 AND email IS NULL;

-- name: town_is
SELECT count(*) FROM contacts_contact WHERE state = 1 AND town = 'Lviv';

-- name: name_starts
SELECT count(*) FROM contacts_contact WHERE state = 1 AND last_name LIKE 'Шев%%';

-- name: email_contains
SELECT count(*) FROM contacts_contact WHERE state = 1 AND lower(email COLLATE "C") LIKE '%%@mail7.%%';

-- name: thousand_emails
SELECT count(*) FROM contacts_contact
WHERE state = 1 AND lower(email COLLATE "C") = ANY(%(emails)s) AND id = ANY(ARRAY(
    SELECT contact_id FROM contacts_identifier WHERE kind = 2 AND app = '' AND value = ANY(%(emails)s)));

-- name: created_lately
SELECT count(*) FROM contacts_contact
WHERE state = 1 AND created_at >= %(now)s - interval '7 days' AND created_at <= %(now)s;

-- name: number_at_least
SELECT count(*) FROM contacts_contact WHERE state = 1 AND (attributes ->> 'visits')::numeric >= 40;

-- name: choice_and_yes
SELECT count(*) FROM contacts_contact
WHERE state = 1 AND attributes ->> 'tier' = 'gold' AND attributes ->> 'newsletter' = 'true';

-- name: birthday_soon
SELECT count(*) FROM contacts_contact
WHERE state = 1 AND right(attributes ->> 'birthday', 5) = ANY(%(month_days)s);

-- name: tags_any
SELECT count(*) FROM contacts_contact WHERE state = 1 AND attributes -> 'tags' ?| ARRAY['vip', 'new'];

-- name: nested
SELECT count(*) FROM contacts_contact
WHERE state = 1 AND (town = ANY(ARRAY['Lviv', 'Odesa']) AND language_code = 'uk' OR last_name = 'Smith')
    AND (phone IS NULL OR email_state = 3) IS NOT TRUE;

-- name: static_but_not_dynamic
SELECT count(*) FROM contacts_contact c JOIN segments_membership m ON m.contact_id = c.id AND m.segment_id = %(static)s
WHERE c.state = 1 AND c.external_id IS NOT NULL;

-- name: did_lately
SELECT count(*) FROM contacts_contact WHERE state = 1 AND id IN (
    SELECT contact_id FROM contacts_event
    WHERE type_id = %(viewed)s AND occurred_at >= %(now)s - interval '30 days' AND occurred_at <= %(now)s);

-- name: did_once_but_not_lately
SELECT count(*) FROM contacts_contact c WHERE state = 1
AND id IN (SELECT contact_id FROM contacts_event WHERE type_id = %(paid)s)
AND NOT EXISTS (SELECT FROM contacts_event e WHERE e.contact_id = c.id AND e.type_id = %(paid)s
    AND e.occurred_at >= %(now)s - interval '90 days' AND e.occurred_at <= %(now)s);

-- name: three_views_of_shoes
SELECT count(*) FROM contacts_contact WHERE state = 1 AND id IN (
    SELECT contact_id FROM contacts_event
    WHERE type_id = %(viewed)s AND occurred_at >= %(now)s - interval '90 days' AND occurred_at <= %(now)s
        AND params ->> 'category' = 'shoes'
    GROUP BY contact_id HAVING count(*) >= 3);

-- name: spent_much
SELECT count(*) FROM contacts_contact WHERE state = 1 AND id IN (
    SELECT contact_id FROM contacts_order
    WHERE status = 'DELIVERED' AND ordered_at >= %(now)s - interval '365 days' AND ordered_at <= %(now)s
    GROUP BY contact_id HAVING sum(total_cost) >= 1500);

-- name: bought_lately
SELECT count(*) FROM contacts_contact WHERE state = 1 AND id IN (
    SELECT contact_id FROM contacts_order
    WHERE status = 'DELIVERED' AND ordered_at >= %(now)s - interval '30 days' AND ordered_at <= %(now)s);

-- name: last_order_long_ago
SELECT count(*) FROM contacts_contact WHERE state = 1 AND id IN (
    SELECT contact_id FROM contacts_order WHERE status = 'DELIVERED'
    GROUP BY contact_id HAVING max(ordered_at) < %(now)s - interval '180 days');
