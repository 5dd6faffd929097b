// What can be asked: fields, operators, units, as the server describes them. Knows no page.

export const MEMBER_TYPES = ["text", "date", "boolean", "number"];

export class Vocabulary {
  constructor(data, { onlySegments = false } = {}) {
    this.groups = data.groups;
    this.units = data.units;
    this.operators = data.operators;
    this.relations = data.relations || {};
    this.onlySegments = onlySegments;
    this.byScope = new Map([["", index(data.fields)]]);
    for (const [key, relation] of Object.entries(this.relations)) this.byScope.set(key, index(relation.fields.map(ofRow)));
  }

  /** The fields that can be chosen where the rows of `scope` are asked about, "" for contacts. */
  fields(scope) {
    const all = [...(this.byScope.get(scope) || new Map()).values()];
    return this.onlySegments && scope === "" ? all.filter((field) => field.type === "segment") : all;
  }

  /** The objects whose members rows have, such as an event's parameters: {prefix, label, of}. */
  members(scope) {
    return this.relations[scope]?.members || [];
  }

  field(key, scope) {
    return (this.byScope.get(scope) || new Map()).get(key) || this.member(key, scope);
  }

  /** A member has no type of its own: what it is compared as follows from the operator and the value. */
  member(key, scope) {
    const members = this.members(scope).find((one) => key.startsWith(one.prefix) && key.length > one.prefix.length);
    return members && { key, label: key.slice(members.prefix.length), group: members.label, isMember: true, suggests: true };
  }

  groupLabel(key) {
    const group = this.groups.find((one) => one.key === key);
    return group ? group.label : "";
  }

  /** What a condition's field says about rows, or undefined. */
  relation(node, scope) {
    const field = this.field(node.field, scope);
    return field && field.relation ? this.relations[field.key] : undefined;
  }

  measure(node, relation) {
    return relation.measures.find((one) => one.key === (node.measure || "any")) || relation.measures[0];
  }

  /** The type that decides about a condition's operators, "" while no field is chosen. */
  typeOf(node, scope) {
    const relation = this.relation(node, scope);
    if (relation) return this.measure(node, relation).type;
    const field = this.field(node.field, scope);
    if (!field) return "";
    return field.isMember ? this.comparedAs(node) : field.type;
  }

  /** As the server does: a number with a number, else the first type that has the operator. */
  comparedAs(node) {
    if (node.comparedAs) return node.comparedAs;
    const first = Array.isArray(node.value) ? node.value[0] : node.value;
    const types = typeof first === "number" ? ["number", ...MEMBER_TYPES] : MEMBER_TYPES;
    return types.find((type) => this.operators[type].some((one) => one.key === node.op)) || "text";
  }

  /** The operators to choose from, by type: one type but for members. */
  operatorGroups(node, scope) {
    const types = this.field(node.field, scope)?.isMember ? MEMBER_TYPES : [this.typeOf(node, scope)];
    return types.map((type) => ({ type, operators: this.operators[type] || [] }));
  }

  operatorsOf(node, scope) {
    return this.operators[this.typeOf(node, scope)] || [];
  }

  operator(node, scope) {
    return this.operatorsOf(node, scope).find((one) => one.key === node.op);
  }

  /** The operators that a period of rows can have: those of dates that name a span. */
  get periodOperators() {
    return (this.operators.date || []).filter((one) => !["is_empty", "is_not_empty"].includes(one.key));
  }
}

function index(fields) {
  return new Map((fields || []).map((field) => [field.key, field]));
}

/** Texts of rows are suggested as well as those of contacts. */
function ofRow(field) {
  return { ...field, suggests: field.type === "text" };
}

/** What a value is before anybody typed one. */
export function firstValue(operator, field) {
  if (!operator || operator.arity === "none") return undefined;
  if (operator.arity === "many") return [];
  if (operator.arity === "two") return ["", ""];
  switch (operator.input) {
    case "duration":
      return [30, "days"];
    case "days":
      return 0;
    case "day_of_month":
      return 1;
    case "percent":
      return [10, randomSeed()];
    case "option":
      return field?.options?.[0]?.key ?? "";
    default:
      return "";
  }
}

/** `value` under another operator: kept where it still means something. */
export function carryValue(value, before, after, field) {
  if (!before || !after || before.input !== after.input) return firstValue(after, field);
  if (before.arity === after.arity) return value;
  const one = before.arity === "many" || before.arity === "two" ? value?.[0] : value;
  if (one === undefined || one === "") return firstValue(after, field);
  if (after.arity === "one") return one;
  if (after.arity === "many") return before.arity === "two" ? value.filter((item) => item !== "") : [one];
  if (after.arity === "two") return [one, ""];
  return firstValue(after, field);
}

function randomSeed() {
  const letters = "abcdefghijkmnpqrstuvwxyz23456789";
  return Array.from(crypto.getRandomValues(new Uint8Array(6)), (byte) => letters[byte % letters.length]).join("");
}

/** Whether a condition can have been meant like this: nothing of it is left to be filled in. */
export function isFilledIn(value, operator) {
  if (!operator) return false;
  if (operator.arity === "none") return true;
  if (operator.arity === "many") return Array.isArray(value) && value.length > 0;
  if (Array.isArray(value)) return value.every((item) => item !== "" && item !== null);
  return value !== "" && value !== undefined && value !== null;
}
