// Leaves the page when its session is over: looks every 1.7 seconds while visible, and at once when seen again.
// A page kept by the browser for Back is hidden until the server has said that it may still be shown. It is not loaded again
// where no answer comes: a browser that leaves the page cancels the question too, and would be dragged back.
// It stays while a form that was sent is under way: leaving would cancel the redirect to an app that is slow to answer.
const page = document.documentElement;
const news = new BroadcastChannel("sessions");

async function look() {
  const question = new URLSearchParams({ session: page.dataset.session, at: location.pathname + location.search });
  if (`${question}`.length > 8000) question.delete("at"); // too long to be asked; home, then
  const answer = await fetch(`/live?${question}`, { cache: "no-store" });
  if (answer.status === 401 || answer.status === 409) {
    const { to } = await answer.json();
    if (!document.querySelector("form[data-sent]")) location.replace(to);
  } else if (answer.status === 204) page.removeAttribute("data-away");
  else if (answer.status !== 202) throw new Error(`answered ${answer.status}`);
}

function lookIfSeen() {
  if (!document.hidden) look().catch(() => {});
}

setInterval(lookIfSeen, 1700);
addEventListener("focus", lookIfSeen);
addEventListener("visibilitychange", lookIfSeen);
news.addEventListener("message", () => look().catch(() => {}));
addEventListener("pagehide", () => page.setAttribute("data-away", ""));
addEventListener("pageshow", (event) => {
  if (event.persisted) look().catch(() => {});
});
