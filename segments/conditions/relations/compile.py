"""A condition about rows → SQL: one set of contact ids for all contacts, made without looking at any contact (pure).

So PostgreSQL reads the rows once, through their own indexes and only in the months that a period leaves, and joins. A
condition that holds for contacts without rows is written as not being among those for whom it does not hold.
"""

from __future__ import annotations

from segments.conditions.dates import write_bound
from segments.conditions.errors import UnknownField, UnknownOperator
from segments.conditions.fields import NO_VALUE, Field, FieldType
from segments.conditions.nodes import compile_node
from segments.conditions.operators import Context, Operand, Operator, operator_of
from segments.conditions.relations.measures import Measure, holds_of_none, holds_of_some
from segments.conditions.relations.relation import Relation
from segments.conditions.sql import Clause, among, join, negate, render
from segments.conditions.tree import Condition, Rows, conditions_of

__all__ = ["compile_measured", "compile_rows", "field_of_measure", "field_of_row", "filter_rows"]


def compile_rows(condition: Condition, relation: Relation, context: Context, *, negated: bool = False) -> Clause:
    """Where ``condition`` holds, its own negation left out; ``negated`` turns it round."""
    measure, operator = relation.measures[_asked(condition).measure], _operator_of(condition, relation)
    relation = _read_kept(condition, relation)
    rows = filter_rows(condition, relation, context)
    if measure.type is FieldType.ROWS:
        return _are_among(_select(relation, rows), (operator.key == "did") is not negated)
    holds_with_rows = holds_of_some(measure, operator, condition.values)
    if holds_with_rows is not None:
        return _are_among(_select(relation, rows), holds_with_rows is not negated)
    held = operator.sql(_operand(condition, relation, context, Clause("of_contact.value")))
    holds_of_nobody = holds_of_none(measure, operator, condition.values)
    grouped = _group(relation, _narrow(rows, condition, relation, context), _aggregate(condition, relation, context))
    wanted = negate(held) if holds_of_nobody else held
    contact_ids = _of_contacts("SELECT of_contact.contact_id FROM ({}) of_contact", grouped, "of_contact", wanted)
    return _are_among(contact_ids, holds_of_nobody is negated)


def _read_kept(condition: Condition, relation: Relation) -> Relation:
    """Sums that are kept answer whoever asks about all rows that are assumed, in one way of measuring."""
    asked = _asked(condition)
    asks_more = asked.type is not None or asked.period is not None or asked.where is not None
    return relation if asks_more else relation.read_kept(asked.measure, asked.of)


def _narrow(rows: Clause, condition: Condition, relation: Relation, context: Context) -> Clause:
    """The rows that can be a contact's last one (or first one) in the span asked for: none before it, or none after.

    Not in each contact's own time zone, where there are as many spans as zones.
    """
    measure, operator = _asked(condition).measure, _operator_of(condition, relation)
    if operator.span is None or context.clock.by_contact or measure not in {"first_at", "last_at"}:
        return rows
    span = operator.span(_operand(condition, relation, context, relation.moment.value))
    end, sign = (span.low, ">=") if measure == "last_at" else (span.high, "<")
    if end is None:
        return rows
    bound = write_bound(end, relation.moment.date_form, context.clock)
    return join("AND", [rows, render(f"{{}} {sign} {{}}", relation.moment.value, bound)])


def compile_measured(condition: Condition, relation: Relation, context: Context) -> Clause:
    """What is measured, of one contact: a scalar."""
    relation = _read_kept(condition, relation)
    return render(
        f"(SELECT {{}} FROM {relation.table} r WHERE r.contact_id = @contact.id AND ({{}}))",
        _aggregate(condition, relation, context),
        filter_rows(condition, relation, context),
    )


def filter_rows(condition: Condition, relation: Relation, context: Context, *, with_period: bool = True) -> Clause:
    """The rows that the condition is about, as a condition on ``r``."""
    asked, parts = _asked(condition), []
    if relation.kinds is not None and asked.type is not None:
        parts.append(relation.kinds[asked.type].clause)
    elif relation.always is not None:
        parts.append(relation.always)
    if relation.assumed is not None and relation.assumed.field not in named_fields(asked):
        parts.append(relation.assumed.clause)
    if asked.period is not None and with_period:
        parts.append(_compile_row(asked.period, relation, context))
    if asked.where is not None:
        parts.append(compile_node(asked.where, lambda leaf, negated: _compile_leaf(leaf, relation, context, negated)))
    return join("AND", parts) if parts else Clause("true", is_known=True)


def named_fields(asked: Rows) -> set[str]:
    """The fields of a row that ``where`` asks about."""
    return set() if asked.where is None else {condition.field for condition in conditions_of(asked.where)}


def field_of_row(condition: Condition, relation: Relation, zone: str = "UTC") -> Field:
    """The field of a row that a condition on it asks about; raises ``UnknownField``."""
    if condition.field == relation.moment.key:
        return relation.moment
    field = relation.find_field(condition.field, condition.compared_as, zone)
    if field is None:
        raise UnknownField(path=f"{condition.path}.field", field=condition.field)
    return field


def field_of_measure(measure: Measure, relation: Relation, value: Clause = NO_VALUE) -> Field:
    """What is measured, as a field that operators compare."""
    return Field(relation.key, measure.type, measure.label, value)


def _asked(condition: Condition) -> Rows:
    return condition.rows or Rows()


def _operator_of(condition: Condition, relation: Relation) -> Operator:
    measure = relation.measures[_asked(condition).measure]
    operator = operator_of(field_of_measure(measure, relation), condition.operator)
    if operator is None:
        raise UnknownOperator(path=f"{condition.path}.op", operator=condition.operator)
    return operator


def _operand(condition: Condition, relation: Relation, context: Context, value: Clause) -> Operand:
    measure = relation.measures[_asked(condition).measure]
    return Operand(field_of_measure(measure, relation, value), condition.values, context)


def _aggregate(condition: Condition, relation: Relation, context: Context) -> Clause:
    asked = _asked(condition)
    measure = relation.measures[asked.measure]
    if asked.measure in relation.aggregates:
        return Clause(relation.aggregates[asked.measure])
    if "{}" not in measure.sql:
        return Clause(measure.sql)
    if not measure.takes_of:
        return render(measure.sql, relation.moment.value)
    number = relation.find_number(asked.of or "", context.clock.zone.key)
    if number is None:
        raise UnknownField(path=f"{condition.path}.of", field=asked.of)
    return render(measure.sql, number.value)


def _compile_leaf(condition: Condition, relation: Relation, context: Context, negated: bool) -> Clause:
    clause = _compile_row(condition, relation, context)
    return negate(clause) if negated else clause


def _compile_row(condition: Condition, relation: Relation, context: Context) -> Clause:
    field = field_of_row(condition, relation, context.clock.zone.key)
    operator = operator_of(field, condition.operator)
    if operator is None:
        raise UnknownOperator(path=f"{condition.path}.op", operator=condition.operator)
    clause = operator.sql(Operand(field, condition.values, context))
    members = relation.members_of(condition.field)
    return clause if members is None else members.surround(clause, condition)


def _select(relation: Relation, rows: Clause) -> Clause:
    return _of_contacts("SELECT r.contact_id FROM {} r", Clause(relation.table), "r", rows)


def _group(relation: Relation, rows: Clause, value: Clause) -> Clause:
    start = f"SELECT r.contact_id, {{}} AS value FROM {relation.table} r"
    return render("{} GROUP BY r.contact_id", _of_contacts(start, value, "r", rows))


def _of_contacts(start: str, part: Clause, alias: str, condition: Clause) -> Clause:
    """``start … WHERE condition``, with the contact beside each row where the condition reads it: its time zone."""
    begun = render(start, part)
    if not condition.asks_contact:
        return render("{} WHERE {}", begun, condition)
    joined = f"{{}} JOIN contacts_contact of_row ON of_row.id = {alias}.contact_id WHERE {{}}"
    return render(joined, begun, condition.read_from("of_row"))


def _are_among(contact_ids: Clause, holds: bool) -> Clause:
    clause = among(contact_ids)
    return clause if holds else negate(clause)
