// Dragging nodes by their handle, with a mouse, a pen or a finger.

const EDGE = 60;
const STARTS_AFTER = 4;

/**
 * Listens on `root`, whose nodes are `[data-node]` in lists `[data-list]`. `canMove(id, groupId)` says whether a node
 * may go there, `move(id, groupId, place)` puts it there.
 */
export function makeDraggable(root, { canMove, move }) {
  let drag = null;

  const line = document.createElement("li");
  line.className = "sb-line";
  line.setAttribute("aria-hidden", "true");

  const end = (isDropped) => {
    if (!drag) return;
    const { item, target, id } = drag;
    drag = null;
    item.classList.remove("sb-dragged");
    root.classList.remove("sb-dragging");
    line.remove();
    if (isDropped && target) move(id, target.groupId, target.place);
  };

  root.addEventListener("pointerdown", (event) => {
    const handle = event.target.closest("[data-handle]");
    if (!handle || event.button !== 0) return;
    const item = handle.closest("[data-node]");
    drag = { id: item.dataset.node, item, target: null, startX: event.clientX, startY: event.clientY, isOn: false };
    handle.setPointerCapture(event.pointerId);
  });

  root.addEventListener("pointermove", (event) => {
    if (!drag) return;
    if (!drag.isOn) {
      if (Math.hypot(event.clientX - drag.startX, event.clientY - drag.startY) < STARTS_AFTER) return;
      drag.isOn = true;
      drag.item.classList.add("sb-dragged");
      root.classList.add("sb-dragging");
    }
    scrollNearEdges(event.clientY);
    const target = findTarget(event, drag, canMove);
    if (!target) return;
    drag.target = target;
    target.list.insertBefore(line, target.before);
  });

  root.addEventListener("pointerup", () => end(true));
  root.addEventListener("pointercancel", () => end(false));
  root.addEventListener("keydown", (event) => event.key === "Escape" && end(false));
}

/** The place under the pointer: among the items there, or in the list of the group whose body is there. */
function findTarget(event, drag, canMove) {
  const under = document.elementsFromPoint(event.clientX, event.clientY).find((one) => !drag.item.contains(one));
  const holder = under?.closest("[data-node]");
  const list = holder && (isOnBody(under, holder) ? holder.querySelector("[data-list]") : holder.parentElement);
  if (!list?.dataset.list || !canMove(drag.id, list.dataset.list)) return null;
  const items = [...list.children].filter((child) => child.dataset.node);
  const place = items.filter((child) => event.clientY > middleOf(child)).length;
  return { list, groupId: list.dataset.list, place, before: items[place] || null };
}

/** Whether a group's own list is meant, rather than its place among others: anywhere but on its head row. */
function isOnBody(under, holder) {
  const isAmongOthers = holder.matches("li");
  return !isAmongOthers || (holder.matches(".sb-group") && !holder.querySelector(".sb-row").contains(under));
}

function middleOf(element) {
  const box = element.getBoundingClientRect();
  return box.top + box.height / 2;
}

function scrollNearEdges(y) {
  if (y < EDGE) window.scrollBy(0, -12);
  else if (y > window.innerHeight - EDGE) window.scrollBy(0, 12);
}
