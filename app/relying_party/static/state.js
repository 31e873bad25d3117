// Looks twice a second whether what this page says is still so, and at once when it is seen again.
const { state } = document.querySelector("main").dataset;

async function look() {
  const answer = await fetch("/state", { cache: "no-store" });
  if (answer.ok && (await answer.json()).state !== state) location.reload();
}

function lookIfSeen() {
  if (!document.hidden) look().catch(() => {});
}

setInterval(lookIfSeen, 500);
addEventListener("focus", lookIfSeen);
addEventListener("pageshow", lookIfSeen);
addEventListener("visibilitychange", lookIfSeen);
