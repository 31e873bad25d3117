// Sends the forms of the lab without leaving the place on the page: the new page takes the place of the old one. The button
// keeps the focus; a form that names the place of its result (data-result) hands it over to that.
// One at a time: a press before the answer is there is about what comes after it.
// Nothing is sent again by itself. A browser that leaves the page cancels its request, which looks as if it had failed, and
// what failed may have been done.
let sent = Promise.resolve();

async function send(form, label) {
  const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  document.title = page.title;
  document.querySelector("main").replaceWith(page.querySelector("main"));
  if (answer.ok) history.replaceState(null, "", answer.url);
  const same = [...document.querySelectorAll("main button")].find((button) => button.textContent === label);
  const result = document.getElementById(form.dataset.result);
  (result ?? same ?? document.querySelector("main")).focus({ preventScroll: true });
  result?.scrollIntoView({ block: "nearest" });
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
}

addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || !form.closest("[data-stay]")) return;
  event.preventDefault();
  const label = event.submitter?.textContent;
  sent = sent.then(() => send(form, label)).catch(() => tell(form));
});
