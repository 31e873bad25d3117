// Stops a form at its first press, and has the button say what is under way. Pressed twice, it would count once all the same.
// No event says that a page stays because its answer never came (Esc, a cut line), so after a while, and when Back shows it
// again, the buttons are as before.
const PATIENCE = 10000;
const before = new Map();

function restore() {
  for (const [button, content] of before) {
    button.replaceChildren(...content);
    button.removeAttribute("aria-disabled");
    button.form.removeAttribute("data-sent");
  }
  before.clear();
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  const { doing } = (form.querySelector("input[data-doing]") ?? form).dataset;
  if (!doing) return;
  if (form.hasAttribute("data-sent")) return event.preventDefault();
  form.setAttribute("data-sent", "");
  const button = event.submitter ?? form.querySelector("button:not([type=button])");
  before.set(button, [...button.childNodes]);
  button.setAttribute("aria-disabled", "true"); // not disabled: its own value is sent, and it keeps the focus
  button.textContent = `${doing}…`;
  setTimeout(restore, PATIENCE);
});
addEventListener("pageshow", restore);
