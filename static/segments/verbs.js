// What can be done with the nodes of a definition, by a button or a key.

import * as tree from "./tree.js";

/**
 * What buttons and keys mean. Each changes the builder's state and answers {id, part}, where the focus goes, null where
 * it stays, or false where nothing could be done.
 */
export const VERBS = {
  addCondition: ({ state }, id) => insertNew(state, id, tree.newCondition()),
  addGroup: ({ state }, id) => insertNew(state, id, tree.newGroup([tree.newCondition()], "any")),
  addBehind: ({ state }, id) => {
    const { node, parent } = tree.find(state, id);
    return insertNew(state, parent.id, tree.newCondition(), parent.children.indexOf(node) + 1);
  },
  addExclude: ({ state }) => {
    state.exclude = tree.newGroup([tree.newCondition()], "any");
    return { id: state.exclude.children[0].id, part: "field" };
  },
  addPeriod: (builder, id) => {
    tree.find(builder.state, id).node.period = builder.rows.firstPeriod();
    return { id, part: "period" };
  },
  removePeriod: ({ state }, id) => {
    delete tree.find(state, id).node.period;
    return { id, part: "addPeriod" };
  },
  addWhere: ({ state }, id) => {
    const where = tree.newGroup([tree.newCondition()]);
    tree.find(state, id).node.where = where;
    return { id: where.children[0].id, part: "field" };
  },
  negate: ({ state }, id) => {
    const { node } = tree.find(state, id);
    node.negated = !node.negated;
    return null;
  },
  copy: ({ state }, id) => ({ id: tree.copy(state, id), part: "handle" }),
  wrap: ({ state }, id) => ({ id: tree.wrap(state, id), part: "combine" }),
  unwrap: ({ state }, id) => {
    const first = tree.find(state, id).node.children[0];
    tree.unwrap(state, id);
    return first && { id: first.id, part: "handle" };
  },
  remove: ({ state }, id) => {
    const heir = findHeir(state, id);
    tree.remove(state, id);
    return tree.find(state, heir.id) ? heir : { id: state.match.id, part: "addCondition" };
  },
  up: ({ state }, id) => tree.step(state, id, -1) && { id, part: "handle" },
  down: ({ state }, id) => tree.step(state, id, 1) && { id, part: "handle" },
};

function insertNew(state, groupId, node, place) {
  tree.insert(state, groupId, node, place);
  return { id: tree.isGroup(node) ? node.children[0].id : node.id, part: "field" };
}

/** Who gets the focus when a node goes: the one behind it, else the one before, else where one can be added. */
function findHeir(state, id) {
  const { node, parent } = tree.find(state, id);
  if (!parent) return findOwner(state, node) || { id: state.match.id, part: "addCondition" };
  const place = parent.children.indexOf(node);
  const next = parent.children[place + 1] || parent.children[place - 1];
  return next ? { id: next.id, part: "handle" } : { id: parent.id, part: "addCondition" };
}

/** The condition about rows whose details these are. */
function findOwner(state, where) {
  const owner = [...tree.walk(state)].find(({ node }) => node.where === where);
  return owner && { id: owner.node.id, part: "addWhere" };
}
