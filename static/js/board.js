// Keeps the teacher's board true: asks for it every two seconds while it is seen, and swaps it when it differs.
// What was open stays open, and what had the focus keeps it. While something on it is pressed, it waits.
const board = document.querySelector("[data-board]");
let shown;

function say(state) {
  for (const words of document.querySelectorAll("[data-when]")) words.hidden = words.dataset.when !== state;
}

function swap(html) {
  const kept = [...board.querySelectorAll("details[open]")].map((part) => part.id);
  const focused = board.contains(document.activeElement) && document.activeElement.id;
  const fresh = new DOMParser().parseFromString(html, "text/html");
  board.replaceChildren(...fresh.body.childNodes);
  for (const id of kept) document.getElementById(id)?.setAttribute("open", "");
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

async function look() {
  const answer = await fetch(board.dataset.board, { cache: "no-store", signal: AbortSignal.timeout(5000) });
  if (answer.status === 404) return location.reload(); // closed, or no longer ours
  if (!answer.ok) throw new Error(`answered ${answer.status}`);
  const html = await answer.text();
  say("live");
  if (html === shown || board.matches(":active")) return;
  swap(html);
  shown = html;
}

async function keepLooking() {
  if (!document.hidden) await look().catch(() => say("lost"));
  setTimeout(keepLooking, 2000);
}

keepLooking();
