// Among many custom fields: find one by its name, or see only those that have a value. A field with an error is shown
// whatever is looked for.

const KEPT = "cardfile.sheet.filled";

export function watchSearch(panel) {
  const search = panel?.querySelector("[data-find]");
  if (!search) return;
  const filled = panel.querySelector("[data-filled]");
  const recall = () => (filled.checked = localStorage.getItem(KEPT) === "1");
  const apply = () => narrow(panel, search.value.trim().toLowerCase(), filled.checked);
  search.addEventListener("input", apply);
  filled.addEventListener("change", () => {
    localStorage.setItem(KEPT, filled.checked ? "1" : "0");
    apply();
  });
  search.addEventListener("keydown", (event) => event.key === "Enter" && event.preventDefault());
  // What is looked for is no part of what is discarded.
  search.form.addEventListener("reset", () => setTimeout(() => (recall(), apply())));
  recall();
  apply();
}

function narrow(panel, wanted, onlyFilled) {
  const fields = [...panel.querySelectorAll(".cs-field")];
  for (const field of fields) {
    const name = field.querySelector("label, legend, dt").textContent.toLowerCase();
    field.hidden = !field.matches(".errors") && !(name.includes(wanted) && !(onlyFilled && isEmpty(field)));
  }
  for (const section of panel.querySelectorAll(".cs-section")) {
    section.hidden = !section.querySelector(".cs-field:not([hidden])");
  }
  panel.querySelector("[data-found]").hidden = fields.some((field) => !field.hidden);
}

function isEmpty(field) {
  return field.hasAttribute("data-empty") && !field.hasAttribute("data-changed");
}
