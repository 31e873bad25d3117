// An app in one page, on oidc-client-ts: public, and told the site's address, its own id and scope, and nothing else.
const { UserManager } = window.oidc;
const here = `${location.origin}/`;
const { issuer, id, scope } = await (await fetch("/app.json")).json();
const people = new UserManager({
  authority: issuer,
  client_id: id,
  redirect_uri: here,
  post_logout_redirect_uri: here,
  scope,
  loadUserInfo: true,
  automaticSilentRenew: false, // but when the test says so
});

document.getElementById("in").onclick = () => people.signinRedirect();
document.getElementById("out").onclick = () => people.signoutRedirect();
window.people = people;

const led = new URLSearchParams(location.search);
if (led.has("code")) await people.signinCallback();
else if (led.has("state")) await people.signoutCallback();
history.replaceState(null, "", here);
const user = await people.getUser();
document.querySelector("h1").textContent = user ? `${user.profile.name} is signed in` : "Nobody is signed in";
