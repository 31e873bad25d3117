// Fills in forms with a passkey: gets the options from this site, and sends what the key has made or signed.
// A form with data-offer also offers the keys where its page asks for an address. A challenge is good for five minutes, so
// that offer is renewed while the page is seen.
const RENEWED = 4 * 60 * 1000;
let filled = new WeakSet();
let offered; // what ends the offer
let isAsking = false; // a browser shows one question at a time

const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
const words = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const key = (described) => ({ ...described, id: bytes(described.id) });

function toOptions(given) {
  const options = { ...given, challenge: bytes(given.challenge) };
  if (given.user) options.user = { ...given.user, id: bytes(given.user.id) };
  for (const keys of ["allowCredentials", "excludeCredentials"]) if (given[keys]) options[keys] = given[keys].map(key);
  return options;
}

function toText(credential) {
  const response = {};
  for (const part of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[part]) response[part] = words(credential.response[part]);
  }
  return JSON.stringify({ id: credential.id, rawId: words(credential.rawId), type: credential.type, response });
}

function say(form, text) {
  form.querySelector("[data-said]").textContent = text;
}

// Sends the form: with the key's answer, or as it is if the site gave no options and will say why.
function send(form) {
  filled.add(form);
  for (const copy of form.querySelectorAll("[data-as]")) {
    const typed = document.getElementById(copy.dataset.as);
    copy.value = typed.type !== "checkbox" ? typed.value : typed.checked ? "y" : "";
  }
  form.requestSubmit();
}

async function fill(form, more) {
  const body = new URLSearchParams(new FormData(form));
  body.delete("once");
  const headers = { Accept: "application/json" };
  const answer = await fetch(form.dataset.passkey, { method: "POST", body, headers, redirect: "error" });
  if (answer.status === 422) return send(form);
  if (!answer.ok) throw new Error(`answered ${answer.status}`);
  const { stamp, options } = await answer.json();
  const publicKey = toOptions(options);
  const found = await navigator.credentials[options.user ? "create" : "get"]({ publicKey, ...more });
  form.elements.stamp.value = stamp;
  form.elements.credential.value = toText(found);
  send(form);
}

const seen = () =>
  document.hidden && new Promise((go) => document.addEventListener("visibilitychange", go, { once: true }));

async function offer(form) {
  if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
  const own = (offered = new AbortController());
  while (own === offered) {
    await seen();
    if (own.signal.aborted) return;
    const round = new AbortController();
    const end = () => round.abort();
    own.signal.addEventListener("abort", end);
    const timer = setTimeout(end, RENEWED);
    await fill(form, { mediation: "conditional", signal: round.signal }).catch(() => {});
    clearTimeout(timer);
    if (!round.signal.aborted) return; // sent, or refused by the browser
  }
}

async function use(form) {
  if (isAsking) return;
  isAsking = true;
  offered?.abort();
  offered = undefined;
  say(form, "");
  try {
    await fill(form, {});
  } catch (problem) {
    say(form, problem.name === "InvalidStateError" ? form.dataset.known : form.dataset.failed);
    if ("offer" in form.dataset) offer(form);
  } finally {
    isAsking = false;
  }
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!window.PublicKeyCredential) {
    say(form, form.dataset.without);
    continue;
  }
  say(form, "");
  form.querySelector("button[hidden]").hidden = false;
  form.addEventListener("submit", (event) => {
    if (filled.has(form)) return;
    event.preventDefault();
    event.stopPropagation();
    use(form);
  });
  if ("offer" in form.dataset) offer(form);
}

addEventListener("pageshow", (event) => {
  if (event.persisted) filled = new WeakSet(); // what the forms were filled with is used
});
