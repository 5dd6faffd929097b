"use strict";
// Without this script options are ordered by their numbers, and new ones are written into the empty rows.

document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("[data-options]").forEach(options));

function options(place) {
  const list = place.querySelector("ol");
  const template = list.lastElementChild.cloneNode(true);
  const isEmpty = (row) => [...row.querySelectorAll("[type=hidden], [data-text]")].every((input) => !input.value);
  const spoken = place.querySelector("[data-spoken]");
  place.classList.add("cf-scripted");
  [...list.children].filter(isEmpty).forEach((row) => row.remove());

  const number = () =>
    [...list.children].forEach((row, at) => {
      row.querySelector("[data-place]").value = at + 1;
      row.querySelector("[data-up]").disabled = at === 0;
      row.querySelector("[data-down]").disabled = at === list.children.length - 1;
    });

  const say = (row, words) => {
    const text = row.querySelector("[data-text]").value;
    spoken.textContent = words.replace("{option}", text).replace("{place}", [...list.children].indexOf(row) + 1);
  };

  const move = (row, by) => {
    const other = by < 0 ? row.previousElementSibling : row.nextElementSibling;
    if (!other) return;
    if (by < 0) list.insertBefore(row, other);
    else list.insertBefore(other, row);
    number();
    const button = row.querySelector(by < 0 ? "[data-up]" : "[data-down]");
    (button.disabled ? row.querySelector("[data-text]") : button).focus();
    say(row, place.dataset.moved);
  };

  const add = () => {
    const row = template.cloneNode(true);
    row.querySelectorAll("input").forEach((input) => (input.value = ""));
    list.append(row);
    number();
    row.querySelector("[data-text]").focus();
  };

  const remove = (row) => {
    say(row, place.dataset.removed);
    const next = row.nextElementSibling || row.previousElementSibling;
    row.remove();
    number();
    (next ? next.querySelector("[data-text]") : place.querySelector("[data-add]")).focus();
  };

  list.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    const row = button && button.closest("li");
    if (!row) return;
    if (button.matches("[data-up]")) move(row, -1);
    else if (button.matches("[data-down]")) move(row, 1);
    else if (button.matches("[data-remove]")) remove(row);
  });
  place.querySelector("[data-add]").addEventListener("click", add);
  number();
}
