// A preference that lies in this browser alone, under the name of the token that points at it.
const [section] = document.querySelectorAll("[data-preference]");
const key = `preference of ${section.dataset.preference}`;
const list = section.querySelector("ol");
const came = [...list.children];
const said = section.querySelector("[role=status]");
const choices = section.querySelectorAll("input");

function show() {
  const kept = localStorage.getItem(key);
  for (const choice of choices) choice.checked = choice.value === (kept ?? "place");
  const byName = (one, other) => one.textContent.localeCompare(other.textContent);
  list.replaceChildren(...(kept === "name" ? came.toSorted(byName) : came));
  said.textContent = kept ? `Kept here: ${key} = ${kept}` : "Nothing is kept here.";
}

section.querySelector("[data-without]").hidden = true;
section.querySelector(isSecureContext ? "[data-secure]" : "[data-plain]").hidden = false;
section.querySelector("div").hidden = false;
section.addEventListener("change", (event) => {
  localStorage.setItem(key, event.target.value);
  show();
});
section.querySelector("button").addEventListener("click", () => {
  localStorage.removeItem(key);
  show();
});
show();
