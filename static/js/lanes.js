// Moves "now" over the lanes of the experiment, from where the server drew it up to where the token expires.
const begun = new WeakMap();

function move(lanes) {
  const { life, cut } = lanes.dataset;
  const marker = lanes.querySelector(".now");
  const perSecond = (100 - cut) / life;
  if (!begun.has(lanes)) begun.set(lanes, [parseFloat(marker.getAttribute("x")), Date.now()]);
  const [x, since] = begun.get(lanes);
  marker.setAttribute("x", `${Math.min(100, x + (perSecond * (Date.now() - since)) / 1000).toFixed(2)}%`);
}

setInterval(() => document.querySelectorAll(".lanes[data-life]").forEach(move), 1000);
