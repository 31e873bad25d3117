// Moves "now" along a lifeline, and with it the end of every line that still lives. What has expired turns grey.
const ahead = Number(document.documentElement.dataset.now) - Date.now() / 1000;

function move(line) {
  const { began, until } = line.dataset;
  const now = (100 * (ahead + Date.now() / 1000 - began)) / (until - began);
  const token = line.querySelector(".lane:nth-last-of-type(1)");
  const end = parseFloat(token.querySelector(".tick").getAttribute("cx"));
  const marker = line.querySelector(".now");
  const [from, to] = [marker.getAttribute("x"), `${Math.min(now, end).toFixed(2)}%`];
  marker.setAttribute("x", to);
  for (const [strokes, side] of [[".lived", "x2"], [".ahead", "x1"]]) {
    for (const stroke of line.querySelectorAll(strokes)) {
      if (stroke.getAttribute(side) === from) stroke.setAttribute(side, to);
    }
  }
  if (now >= end) token.dataset.state = "ended";
}

setInterval(() => document.querySelectorAll(".lifeline[data-until]").forEach(move), 1000);
