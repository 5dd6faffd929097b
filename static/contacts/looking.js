// What takes longer than a page may is fetched once the page stands: the same list again, which may look for two seconds.

const area = document.getElementById("contact-looking");
if (area) look(area);

async function look(area) {
  try {
    const answer = await fetch(area.dataset.look, { headers: { Accept: "text/html" } });
    if (!answer.ok) throw new Error(answer.statusText);
    show(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch {
    area.querySelector("span").textContent = area.dataset.failed;
  }
}

function show(found) {
  for (const id of ["contact-rows", "contact-pages"]) {
    const [old, fresh] = [document.getElementById(id), found.getElementById(id)];
    if (old && fresh) old.replaceWith(document.adoptNode(fresh));
  }
  const boxes = document.querySelectorAll("tr input.action-select");
  if (boxes.length && window.Actions) window.Actions(boxes);
  document.dispatchEvent(new CustomEvent("contacts:rows"));
}
