// An app on oauth4webapi.
import * as oauth from "oauth4webapi";
import { read, serve } from "./lines.mjs";

const plain = { [oauth.allowInsecureRequests]: true }; // on this machine there is no TLS
let app, client, proof, site, tokens, verifier, state, nonce, options;

// The first proof lacks a nonce, which the refusal brings.
async function withNonce(act) {
  try {
    return await act();
  } catch (problem) {
    if (!oauth.isDPoPNonceError(problem)) throw problem;
    return act();
  }
}

async function push(wanted) {
  return withNonce(async () => {
    const answer = await oauth.pushedAuthorizationRequest(site, client, proof, wanted, options);
    const { request_uri } = await oauth.processPushedAuthorizationResponse(site, client, answer);
    return { client_id: app.id, request_uri };
  });
}

await serve(
  {
    async start(given) {
      app = given;
      client = { client_id: app.id };
      const secret = app.secret ? oauth.ClientSecretPost(app.secret) : oauth.None();
      proof = app.jwk ? oauth.PrivateKeyJwt(await read(app.jwk)) : secret;
      const key = app.has_key ? { DPoP: oauth.DPoP(client, await oauth.generateKeyPair("ES256")) } : {};
      options = { ...plain, ...key };
    },

    async ask() {
      const issuer = new URL(app.issuer);
      site = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, plain));
      [verifier, state, nonce] = [oauth.generateRandomCodeVerifier(), oauth.generateRandomState(), oauth.generateRandomNonce()];
      const wanted = {
        client_id: app.id,
        redirect_uri: app.redirect_uri,
        response_type: "code",
        scope: app.scope,
        state,
        nonce,
        code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
        code_challenge_method: "S256",
      };
      const address = new URL(site.authorization_endpoint);
      address.search = new URLSearchParams(app.jwk ? await push(wanted) : wanted);
      return address;
    },

    async arrive(callback) {
      const given = oauth.validateAuthResponse(site, client, new URL(callback), state);
      await withNonce(async () => {
        const answer = await oauth.authorizationCodeGrantRequest(site, client, proof, given, app.redirect_uri, verifier, options);
        const checks = { expectedNonce: nonce, requireIdToken: true };
        tokens = await oauth.processAuthorizationCodeResponse(site, client, answer, checks);
        await oauth.validateApplicationLevelSignature(site, answer, plain);
      });
      return oauth.getValidatedIdTokenClaims(tokens);
    },

    async userinfo() {
      return withNonce(async () => {
        const answer = await oauth.userInfoRequest(site, client, tokens.access_token, options);
        return oauth.processUserInfoResponse(site, client, oauth.skipSubjectCheck, answer);
      });
    },

    async callApi() {
      const address = new URL("/api/me", app.issuer);
      const ask = () => oauth.protectedResourceRequest(tokens.access_token, "GET", address, undefined, undefined, options);
      return (await withNonce(ask).catch((problem) => problem)).status;
    },

    async refresh() {
      await withNonce(async () => {
        const answer = await oauth.refreshTokenGrantRequest(site, client, proof, tokens.refresh_token, options);
        tokens = await oauth.processRefreshTokenResponse(site, client, answer);
      });
    },

    async copy() {
      return tokens;
    },

    async steal(copied) {
      tokens = copied;
    },

    async isActive() {
      const answer = await oauth.introspectionRequest(site, client, proof, tokens.access_token, plain);
      return (await oauth.processIntrospectionResponse(site, client, answer)).active;
    },

    async revoke() {
      await oauth.processRevocationResponse(await oauth.revocationRequest(site, client, proof, tokens.refresh_token, plain));
    },
  },
  (problem) => problem.error,
);
