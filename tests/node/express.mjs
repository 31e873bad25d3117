// A site on Express whose people sign in by express-openid-connect, configured by the block of docs/apps.md.
import express from "express";
import { auth } from "express-openid-connect";

const { issuer, id, secret, port, block } = JSON.parse(process.argv[2]);
const told = new Map(); // who was signed out, as the library notes it
const store = {
  get: (key, done) => done(null, told.get(key)),
  set: (key, value, done) => (told.set(key, value), done(null)),
  destroy: (key, done) => (told.delete(key), done(null)),
};
// Its 5 seconds are too few on a machine that runs other tests beside this one.
const patient = (given) => auth({ ...given, enableTelemetry: false, errorOnRequiredAuth: true, httpTimeout: 60_000 });

const site = express();
new Function("app", "auth", "ISSUER", "ID", "SECRET", "store", block)(site, patient, issuer, id, secret, store);
site.get("/", async ({ oidc }, answer) => {
  if (!oidc.isAuthenticated()) return answer.json({ user: null });
  const { email } = await oidc.fetchUserInfo();
  return answer.json({ user: { email, ...oidc.user, access: oidc.accessToken.access_token } });
});
site.get("/renew", async ({ oidc }, answer) => {
  await oidc.accessToken.refresh();
  answer.redirect("/");
});
site.use((problem, _request, answer, _next) => answer.status(500).json({ refused: problem.error ?? String(problem) }));
site.listen(port, "127.0.0.1");
