// Without this script every page works too: values are picked one by one, and filters are sent by their button.

document.querySelectorAll("[data-quick]").forEach((place) => {
  const form = place.closest("form");
  place.hidden = false;
  place.addEventListener("click", (event) => {
    const button = event.target.closest("[data-take]");
    if (!button) return;
    const wanted = button.dataset.take === "newest" ? "[data-newest]" : `[value="${button.dataset.take}"]`;
    form.querySelectorAll(`.mg-row input${wanted}:not(:disabled)`).forEach((input) => (input.checked = true));
  });
});

document.querySelectorAll("[data-filters]").forEach((form) => {
  form.addEventListener("change", () => form.requestSubmit());
});

// One list that is folded out at a time; Escape folds it in again.
const later = [...document.querySelectorAll("details.mg-later")];
later.forEach((one) => {
  one.addEventListener("toggle", () => one.open && later.forEach((other) => other !== one && (other.open = false)));
  one.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    one.open = false;
    one.querySelector("summary").focus();
  });
});
