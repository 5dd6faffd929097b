// The order of the columns is the order in which they are sent. Without this script they keep the one they have.

const list = document.querySelector("[data-columns]");

function move(item, where) {
  const other = where === "up" ? item.previousElementSibling : item.nextElementSibling;
  if (!other) return;
  if (where === "up") list.insertBefore(item, other);
  else list.insertBefore(other, item);
}

if (list) {
  list.classList.add("cf-scripted");
  list.addEventListener("click", (event) => {
    const button = event.target.closest("[data-move]");
    if (!button) return;
    move(button.closest("li"), button.dataset.move);
    button.focus();
  });
}
