// Keeps "3 minutes ago" and "in 4 minutes" true while the page is open, in the words of the server and by its clock.
const ahead = Number(document.documentElement.dataset.now) - Date.now() / 1000;
const units = [[171000, 86400, "day"], [3570, 3600, "hour"], [60, 60, "minute"], [0, 1, "second"]];

function span(seconds) {
  const [, size, unit] = units.find(([least]) => seconds >= least);
  const count = Math.floor((seconds + Math.floor(size / 2)) / size);
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}

function ago(seconds) {
  return seconds < 60 ? "just now" : `${span(seconds)} ago`;
}

function until(seconds) {
  return seconds > 0 ? `in ${span(seconds)}` : "now";
}

function refresh() {
  const now = Math.round(ahead + Date.now() / 1000);
  for (const time of document.querySelectorAll("[data-ago]")) time.textContent = ago(now - time.dataset.ago);
  for (const time of document.querySelectorAll("[data-until]")) time.textContent = until(time.dataset.until - now);
}

setInterval(refresh, 10_000);
