// Sends the forms of the lab without leaving the place on the page: the new page takes the place of the old one.
// One at a time: who presses the next button before the answer is there means what comes after it.
let sent = Promise.resolve();

async function send(form, label) {
  const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  document.title = page.title;
  document.querySelector("main").replaceWith(page.querySelector("main"));
  history.replaceState(null, "", answer.url);
  const same = [...document.querySelectorAll("main button")].find((button) => button.textContent === label);
  const place = document.getElementById(new URL(answer.url).hash.slice(1));
  (same ?? document.querySelector("main")).focus({ preventScroll: true });
  place?.scrollIntoView({ block: "nearest" });
}

addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || !form.closest("[data-stay]")) return;
  event.preventDefault();
  const label = event.submitter?.textContent;
  sent = sent.then(() => send(form, label)).catch(() => form.submit());
});
