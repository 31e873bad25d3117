// A site on Express whose people sign in by Auth.js, configured by the block of docs/apps.md.
import { ExpressAuth, getSession } from "@auth/express";
import express from "express";

const { issuer, id, secret, port, block } = JSON.parse(process.argv[2]);
process.env.AUTH_SECRET = "for the cookies of this site alone";
let seen;
const watched = (config) => {
  seen = config;
  config.basePath = "/auth"; // as it finds out with the first request
  config.callbacks = {
    jwt: ({ token, account, profile }) => (account ? { ...token, access: account.access_token, sub: profile.sub } : token),
    session: ({ session, token }) => ({ ...session, access: token.access, sub: token.sub }),
    ...config.callbacks,
  };
  return ExpressAuth(config);
};

const site = express();
new Function("app", "ExpressAuth", "ISSUER", "ID", "SECRET", block)(site, watched, issuer, id, secret);
site.get("/", async (request, answer) => {
  const session = await getSession(request, seen);
  answer.json({ user: session && { sub: session.sub, access: session.access, email: session.user.email } });
});
site.listen(port, "127.0.0.1");
