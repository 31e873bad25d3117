// Writes the times of a list, and the days that part them, in the zone and the language of the reader. Their tips keep UTC.
const time = new Intl.DateTimeFormat(navigator.languages, { timeStyle: "short" });
const day = new Intl.DateTimeFormat(navigator.languages, { dateStyle: "long" });
const heading = document.querySelector(".events .day");
let last;

for (const old of document.querySelectorAll(".events .day")) old.remove();
for (const shown of document.querySelectorAll(".events time")) {
  const at = new Date(shown.dateTime);
  shown.textContent = time.format(at);
  shown.lang = time.resolvedOptions().locale;
  if (day.format(at) === last) continue;
  last = day.format(at);
  const fresh = heading.cloneNode(true);
  fresh.firstElementChild.textContent = last;
  fresh.lang = shown.lang;
  shown.closest("li").before(fresh);
}
