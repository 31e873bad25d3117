// Keeps "3 minutes ago" and "in 4 minutes" true while the page is open, in the words of the server and by its clock.
// Exact moments are written in the zone and the language of the reader. Their tips keep UTC.
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

const exact = { day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short" };
const local = new Intl.DateTimeFormat(navigator.languages, exact);
for (const time of document.querySelectorAll("time[data-day]")) {
  time.textContent = local.format(new Date(time.dateTime));
  time.lang = local.resolvedOptions().locale;
}
setInterval(refresh, 10_000);
