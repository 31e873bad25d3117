// An app on openid-client.
import * as client from "openid-client";
import { read, serve } from "./lines.mjs";

let app, site, tokens, checks, options;

await serve(
  {
    async start(given) {
      app = given;
    },

    async ask() {
      const secret = app.secret ? client.ClientSecretBasic(app.secret) : client.None();
      const proof = app.jwk ? client.PrivateKeyJwt(await read(app.jwk)) : secret;
      site = await client.discovery(new URL(app.issuer), app.id, app.secret ?? undefined, proof, {
        // On this machine there is no TLS. What TLS would prove of the ID token, its signature does.
        execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks],
      });
      options = app.has_key ? { DPoP: client.getDPoPHandle(site, await client.randomDPoPKeyPair()) } : {};
      checks = {
        pkceCodeVerifier: client.randomPKCECodeVerifier(),
        expectedState: client.randomState(),
        expectedNonce: client.randomNonce(),
        idTokenExpected: true,
      };
      const build = app.jwk ? client.buildAuthorizationUrlWithPAR : client.buildAuthorizationUrl;
      const wanted = {
        redirect_uri: app.redirect_uri,
        scope: app.scope,
        state: checks.expectedState,
        nonce: checks.expectedNonce,
        code_challenge: await client.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
        code_challenge_method: "S256",
      };
      return build(site, wanted, options);
    },

    async arrive(callback) {
      tokens = await client.authorizationCodeGrant(site, new URL(callback), checks, undefined, options);
      return tokens.claims();
    },

    async userinfo() {
      return client.fetchUserInfo(site, tokens.access_token, client.skipSubjectCheck, options);
    },

    async callApi() {
      const address = new URL("/api/me", app.issuer);
      const answer = client.fetchProtectedResource(site, tokens.access_token, address, "GET", undefined, undefined, options);
      return (await answer.catch((problem) => problem)).status;
    },

    async refresh() {
      tokens = await client.refreshTokenGrant(site, tokens.refresh_token, undefined, options);
    },

    async copy() {
      return tokens;
    },

    async steal(copied) {
      tokens = copied;
    },

    async isActive() {
      return (await client.tokenIntrospection(site, tokens.access_token)).active;
    },

    async revoke() {
      await client.tokenRevocation(site, tokens.refresh_token, { token_type_hint: "refresh_token" });
    },
  },
  (problem) => problem.error,
);
