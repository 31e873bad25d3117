// Sends the forms of the lab without leaving the place on the page: the new page takes the place of the old one. The focus
// goes to the part that changed: to the result that a form names (data-result), or to the heading of its section. A button
// that is still there keeps it, and what it led to is said once.
// One at a time: a press before the answer is there is about what comes after it.
// Nothing is sent again by itself. A browser that leaves the page cancels its request, which looks as if it had failed, and
// what failed may have been done.
let sent = Promise.resolve();
const said = document.createElement("p");
said.className = "visually-hidden";
said.setAttribute("role", "status");
document.body.append(said);

async function send(form) {
  const [place, act] = [form.closest("[id]").id, name(form)];
  const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  document.title = page.title;
  document.querySelector("main").replaceWith(page.querySelector("main"));
  if (answer.ok) history.replaceState(null, "", answer.url);
  const result = document.getElementById(form.dataset.result);
  const part = document.getElementById(place);
  const same = !result && [...document.forms].find((other) => name(other) === act)?.querySelector("button");
  const changed = result ?? part?.querySelector("h2, h3") ?? document.querySelector("h1");
  changed.tabIndex = -1;
  (same || changed).focus({ preventScroll: true });
  said.textContent = same ? (part?.querySelector("[data-says]") ?? changed).textContent : "";
  (same || changed).scrollIntoView({ block: "nearest" });
}

// Names what a form is about: its fields, but for the id that is new each time, and for which way a switch goes.
function name(form) {
  return [form.action, ...new FormData(form).entries()].filter(([field]) => !["press", "act"].includes(field)).join();
}

function tell(form) {
  const note = document.createElement("p");
  const again = document.createElement("a");
  again.href = location.pathname;
  again.textContent = "Load the page again";
  note.className = "notice";
  note.dataset.tone = "alarm";
  note.setAttribute("role", "alert");
  note.append("No answer came, so this may have been done or not. Press again: it counts once. ", again, " to see.");
  document.querySelector("main [role=alert]")?.remove();
  (form.isConnected ? form : document.querySelector("main h1")).after(note); // else an answer before took its place
  dispatchEvent(new Event("pageshow")); // the buttons are as before
}

addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post" || !form.closest("[data-stay]")) return;
  event.preventDefault();
  sent = sent.then(() => send(form)).catch(() => tell(form));
});
