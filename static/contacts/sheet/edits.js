// What was changed on the sheet and is not saved yet: counted in the save bar, guarded when the page is left, and put
// back on request. Where somebody else changed a field meanwhile, theirs or mine is chosen here.
//
// A field's stored value is what it was shown with; after a refused save the page shows what was typed, and says beside
// it (data-stored) what is stored.

export function watchEdits(form) {
  const bar = document.querySelector("[data-save-bar]");
  const changed = new Set();
  let isLeaving = false;
  let isInForm = true;

  const fields = [...form.querySelectorAll(".cs-field")];
  fields.forEach(look);
  form.addEventListener("input", (event) => look(event.target.closest(".cs-field")));
  form.addEventListener("change", (event) => look(event.target.closest(".cs-field")));
  document.querySelector(".cs-meanwhile")?.addEventListener("click", choose);
  form.addEventListener("reset", discard);
  form.addEventListener("submit", () => {
    isLeaving = true;
    form.action = location.pathname + location.search + location.hash;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "s" || !(event.ctrlKey || event.metaKey) || event.altKey) return;
    event.preventDefault();
    form.requestSubmit(bar.querySelector("[name=_continue]"));
  });
  window.addEventListener("beforeunload", (event) => {
    if (changed.size && !isLeaving) event.preventDefault();
  });
  window.addEventListener("pageshow", () => (isLeaving = false));
  describe();

  function look(field) {
    if (!field) return;
    const isChanged = isFieldChanged(field);
    changed[isChanged ? "add" : "delete"](field);
    field.toggleAttribute("data-changed", isChanged);
    describe();
  }

  function describe() {
    const said = bar.querySelector("[data-changes]");
    const words = { 0: said.dataset.none, 1: said.dataset.one };
    said.textContent = words[changed.size] ?? said.dataset.many.replace("{count}", changed.size);
    bar.toggleAttribute("data-dirty", changed.size > 0);
    const button = bar.querySelector("[data-discard]");
    if (button) button.hidden = !changed.size;
    bar.hidden = !isInForm && !changed.size;
  }

  function discard(event) {
    isLeaving = true;
    if (form.querySelector("[data-stored]")) {
      event.preventDefault();
      location.assign(location.pathname + location.search);
      return;
    }
    setTimeout(() => {
      fields.forEach(look);
      isLeaving = false;
    });
  }

  return {
    /** The bar stands below the form, and wherever something is not saved. */
    showBar(isForm) {
      isInForm = isForm;
      describe();
    },
  };
}

function isFieldChanged(field) {
  const controls = controlsOf(field);
  if (field.dataset.stored === undefined) return controls.some(differsFromDefault);
  return written(valueOf(controls)) !== written(JSON.parse(field.dataset.stored));
}

function controlsOf(field) {
  return [...field.querySelectorAll("input, select, textarea")];
}

function differsFromDefault(control) {
  if (control.type === "checkbox") return control.checked !== control.defaultChecked;
  if (control.tagName !== "SELECT") return control.value !== control.defaultValue;
  const shown = [...control.options].find((option) => option.defaultSelected) ?? control.options[0];
  return control.value !== shown.value;
}

/** Of several options the order does not matter. */
function written(value) {
  return JSON.stringify(Array.isArray(value) ? [...value].sort() : value);
}

function valueOf(controls) {
  if (controls[0].type !== "checkbox") return controls[0].value;
  return controls.filter((control) => control.checked).map((control) => control.value);
}

/** Theirs goes into the field; either choice settles it. The field's name leads to the field, in its tab. */
function choose(event) {
  const go = event.target.closest("[data-go]");
  if (go) {
    event.preventDefault();
    lead(fieldOf(go.dataset.go));
  }
  const button = event.target.closest("[data-said]");
  if (!button) return;
  const row = button.closest("[data-choice]");
  const field = fieldOf(row.dataset.choice);
  if (button.dataset.take !== undefined) write(controlsOf(field), JSON.parse(button.dataset.take));
  field.classList.remove("errors");
  field.querySelector(".errorlist")?.remove();
  row.querySelector("[data-chosen]").textContent = button.dataset.said;
  controlsOf(field)[0].dispatchEvent(new Event("input", { bubbles: true }));
}

function fieldOf(id) {
  return document.getElementById(id).closest(".cs-field");
}

function lead(field) {
  document.getElementById(field.closest("[role=tabpanel]").getAttribute("aria-labelledby")).click();
  controlsOf(field)[0].focus();
}

function write(controls, value) {
  if (controls[0].type !== "checkbox") controls[0].value = value;
  else controls.forEach((control) => (control.checked = value.includes(control.value)));
}
