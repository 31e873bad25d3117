// An app in one page, on oidc-client-ts, configured by the block of docs/apps.md: public, and told no more than its own id.
import { people } from "/people.js";

people.stopSilentRenew(); // it renews when the test says so
document.getElementById("in").onclick = () => people.signinRedirect();
document.getElementById("out").onclick = () => people.signoutRedirect();
window.people = people;

const led = new URLSearchParams(location.search);
if (led.has("code")) await people.signinCallback();
else if (led.has("state")) await people.signoutCallback();
history.replaceState(null, "", "/");
const user = await people.getUser();
document.querySelector("h1").textContent = user ? `${user.profile.name} is signed in` : "Nobody is signed in";
