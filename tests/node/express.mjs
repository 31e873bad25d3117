// A site on Express that has its people sign in by express-openid-connect. It is configured as that library's own pages
// say, and reports each logout message in a line of JSON.
import express from "express";
import { auth } from "express-openid-connect";

const { issuer, id, secret, port } = JSON.parse(process.argv[2]);
const say = (what) => console.log(JSON.stringify(what));
const told = new Map(); // who was signed out, as the library notes it
const store = {
  get: (key, done) => done(null, told.get(key)),
  set: (key, value, done) => (told.set(key, value), done(null), say({ told: key })),
  destroy: (key, done) => (told.delete(key), done(null)),
};

const site = express();
site.use(
  auth({
    issuerBaseURL: issuer,
    baseURL: `http://127.0.0.1:${port}`,
    clientID: id,
    clientSecret: secret,
    secret: "for the cookies of this site alone",
    authRequired: false,
    errorOnRequiredAuth: true,
    idpLogout: true,
    backchannelLogout: { store },
    enableTelemetry: false,
    httpTimeout: 60_000, // its 5 seconds are too few on a machine that runs other tests beside this one
    authorizationParams: { response_type: "code", scope: "openid profile email" }, // with PKCE, by itself
  }),
);
site.get("/", ({ oidc }, answer) => answer.json({ user: oidc.user ?? null, access: oidc.accessToken?.access_token ?? null }));
site.get("/who", async ({ oidc }, answer) => answer.json(await oidc.fetchUserInfo()));
site.get("/refresh", async ({ oidc }, answer) => answer.json({ access: (await oidc.accessToken.refresh()).access_token }));
site.use((problem, _request, answer, _next) => answer.status(500).json({ refused: problem.error ?? String(problem) }));
site.listen(port, "127.0.0.1", () => say({ listens: port }));
