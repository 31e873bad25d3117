// Looks twice a second whether what this page says is still so, and at once when it is seen again.
// Not while its own form is under way: to load this page again would call that back.
const { state } = document.querySelector("main").dataset;
let isLeaving = false;

async function look() {
  const answer = await fetch("/state", { cache: "no-store" });
  if (answer.ok && (await answer.json()).state !== state && !isLeaving) location.reload();
}

function lookIfSeen() {
  if (!document.hidden) look().catch(() => {});
}

setInterval(lookIfSeen, 500);
addEventListener("submit", () => (isLeaving = true));
addEventListener("pageshow", () => {
  isLeaving = false;
  lookIfSeen();
});
addEventListener("focus", lookIfSeen);
addEventListener("visibilitychange", lookIfSeen);
