// Counts a clock down to the time in data-countdown, by the server's clock.
const ahead = Number(document.documentElement.dataset.now) - Date.now() / 1000;

function clock(seconds) {
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

function tick() {
  for (const shown of document.querySelectorAll("[data-countdown]")) {
    const left = Math.ceil(shown.dataset.countdown - ahead - Date.now() / 1000);
    if (left > 0) shown.textContent = clock(left);
    else shown.parentElement.textContent = shown.parentElement.dataset.over;
  }
}

setInterval(tick, 1000);
