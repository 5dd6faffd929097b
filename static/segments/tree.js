// The definition while it is edited: a tree of nodes that have an id of their own. Knows neither page nor server.
//
// A group is {id, combine, children, negated}; a condition {id, field, op, value, negated, isFresh} and, where it asks
// about rows, {measure, of, type, period: {op, value}, where: group}. `where` is a scope of its own: its conditions ask
// about the rows, so that nothing moves in or out of it. `rest` keeps what this page does not know.

export const COMBINES = ["all", "any", "none"];
const KNOWN = new Set(["field", "op", "value", "not", "measure", "of", "type", "period", "where"]);

let lastId = 0;
const newId = () => `n${(lastId += 1)}`;

export const isGroup = (node) => "children" in node;

export function newGroup(children = [], combine = "all") {
  return { id: newId(), combine, children, negated: false, rest: {} };
}

export function newCondition() {
  return { id: newId(), field: "", op: "", value: undefined, negated: false, isFresh: true, rest: {} };
}

export function emptyState() {
  return { match: newGroup([newCondition()]), exclude: null, timeZone: "account" };
}

// Reading and writing

/** The state that a definition means; throws where it is none. */
export function readDefinition(data) {
  if (!isObject(data) || !isObject(data.match)) throw new TypeError("not a definition");
  const { version, match, exclude, time_zone: timeZone, ...rest } = data;
  return {
    match: readRoot(match),
    exclude: isObject(exclude) ? readRoot(exclude) : null,
    timeZone: timeZone === undefined ? "account" : timeZone,
    rest: version === 1 || version === undefined ? rest : { ...rest, version },
  };
}

export function writeDefinition(state) {
  return {
    version: 1,
    match: writeNode(state.match),
    ...(state.exclude ? { exclude: writeNode(state.exclude) } : {}),
    ...(state.timeZone === "account" ? {} : { time_zone: state.timeZone }),
    ...state.rest,
  };
}

function readRoot(data) {
  const node = readNode(data);
  return isGroup(node) ? node : newGroup([node]);
}

function readNode(data) {
  if (!isObject(data)) throw new TypeError("not a node");
  const combine = COMBINES.find((name) => Array.isArray(data[name]));
  return combine && !("field" in data) ? readGroup(data, combine) : readCondition(data);
}

function readGroup(data, combine) {
  const { [combine]: children, not: negated, ...rest } = data;
  return { ...newGroup(children.map(readNode), combine), negated: Boolean(negated), rest };
}

function readCondition(data) {
  const node = {
    ...newCondition(),
    isFresh: false,
    field: data.field ?? "",
    op: data.op ?? "",
    value: data.value,
    negated: Boolean(data.not),
    rest: Object.fromEntries(Object.entries(data).filter(([key]) => !KNOWN.has(key))),
  };
  for (const key of ["measure", "of", "type", "period"]) if (data[key] !== undefined) node[key] = data[key];
  if (data.where !== undefined) node.where = readRoot(data.where);
  return node;
}

function writeNode(node) {
  const not = node.negated ? { not: true } : {};
  if (isGroup(node)) return { [node.combine]: node.children.map(writeNode), ...not, ...node.rest };
  const written = { field: node.field };
  for (const key of ["type", "measure", "of", "op", "value", "period"]) if (node[key] !== undefined) written[key] = node[key];
  if (node.where) written.where = writeNode(node.where);
  return { ...written, ...not, ...node.rest };
}

function isObject(data) {
  return typeof data === "object" && data !== null && !Array.isArray(data);
}

// Looking around

/** Every node from the top, as {node, path, parent, scope}. `scope` is the field whose rows it asks about, or "". */
export function* walk(state) {
  yield* walkNode(state.match, "match", null, "");
  if (state.exclude) yield* walkNode(state.exclude, "exclude", null, "");
}

function* walkNode(node, path, parent, scope) {
  yield { node, path, parent, scope };
  if (isGroup(node)) {
    for (const [place, child] of node.children.entries()) {
      yield* walkNode(child, `${path}.${node.combine}[${place}]`, node, scope);
    }
  } else if (node.where) {
    yield* walkNode(node.where, `${path}.where`, null, node.field);
  }
}

/** Where a node stands: {node, path, parent, scope}, or undefined. `parent` is null for the roots. */
export function find(state, id) {
  for (const place of walk(state)) if (place.node.id === id) return place;
  return undefined;
}

/** Whether nothing is asked yet: conditions without a field alone. */
export function isBlank(state) {
  return ![...walk(state)].some(({ node }) => !isGroup(node) && node.field);
}

/** Whether `inner` stands somewhere in `outer`, or is it. */
export function contains(outer, inner) {
  return outer.id === inner || [...walkNode(outer, "", null, "")].some(({ node }) => node.id === inner);
}

// Changing

export function insert(state, groupId, node, place) {
  const group = find(state, groupId).node;
  group.children.splice(place ?? group.children.length, 0, node);
}

/** Takes a node out; groups that are empty by that go along. A root loses what it holds, an exclusion or a where all. */
export function remove(state, id) {
  const { node, parent } = find(state, id);
  if (!parent) return removeRoot(state, node);
  parent.children.splice(parent.children.indexOf(node), 1);
  return parent.children.length ? undefined : pruneEmpty(state, parent);
}

function removeRoot(state, root) {
  if (state.match === root) root.children = [];
  else if (state.exclude === root) state.exclude = null;
  else for (const { node } of walk(state)) if (node.where === root) delete node.where;
}

function pruneEmpty(state, group) {
  if (state.match !== group) remove(state, group.id);
}

/** Puts a node at `place` of a group of the same scope; whether it could. */
export function move(state, id, groupId, place) {
  const from = find(state, id);
  const to = find(state, groupId);
  if (!from?.parent || !to || from.scope !== to.scope || contains(from.node, groupId)) return false;
  const before = from.parent.children.indexOf(from.node);
  from.parent.children.splice(before, 1);
  to.node.children.splice(from.parent === to.node && before < place ? place - 1 : place, 0, from.node);
  if (!from.parent.children.length) pruneEmpty(state, from.parent);
  return true;
}

/** One step up (-1) or down (1), into groups and out of them; whether it could. */
export function step(state, id, by) {
  const { node, parent, scope } = find(state, id);
  if (!parent) return false;
  const place = parent.children.indexOf(node);
  const neighbour = parent.children[place + by];
  if (neighbour && isGroup(neighbour)) return move(state, id, neighbour.id, by > 0 ? 0 : neighbour.children.length);
  if (neighbour) return move(state, id, parent.id, by > 0 ? place + 2 : place - 1);
  return stepOut(state, id, by) || (scope === "" && stepAcross(state, id, by));
}

/** Out of its group, before it (-1) or after it (1). */
export function stepOut(state, id, by = 1) {
  const { parent } = find(state, id);
  const outer = parent && find(state, parent.id).parent;
  if (!outer) return false;
  return move(state, id, outer.id, outer.children.indexOf(parent) + (by > 0 ? 1 : 0));
}

/** From the last place of what is matched to the first of what is left out, and back. */
function stepAcross(state, id, by) {
  const isMatched = contains(state.match, id);
  if (isMatched && by > 0 && state.exclude) return move(state, id, state.exclude.id, 0);
  if (!isMatched && by < 0) return move(state, id, state.match.id, state.match.children.length);
  return false;
}

/** Another one like it, right behind; its id. */
export function copy(state, id) {
  const { node, parent } = find(state, id);
  if (!parent) return id;
  const twin = withNewIds(structuredClone(node));
  parent.children.splice(parent.children.indexOf(node) + 1, 0, twin);
  return twin.id;
}

function withNewIds(node) {
  node.id = newId();
  if (isGroup(node)) node.children.forEach(withNewIds);
  else if (node.where) withNewIds(node.where);
  return node;
}

/** A group around a node; the group's id. Around a root: around all that it holds. */
export function wrap(state, id) {
  const { node, parent } = find(state, id);
  if (!parent) {
    const inner = { ...newGroup(node.children, node.combine), negated: node.negated };
    Object.assign(node, { children: [inner], combine: "all", negated: false });
    return inner.id;
  }
  const group = newGroup([node]);
  parent.children[parent.children.indexOf(node)] = group;
  return group.id;
}

/** What a group holds in the group's own place. Only where that means the same or nobody could mean otherwise. */
export function unwrap(state, id) {
  const { node, parent } = find(state, id);
  if (!parent || !isGroup(node)) return false;
  parent.children.splice(parent.children.indexOf(node), 1, ...node.children);
  return true;
}
