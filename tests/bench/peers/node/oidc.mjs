// node-oidc-provider with an adapter for Redis, as its documentation describes one, and refresh tokens that rotate.
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { Redis } from "ioredis";
import Provider from "oidc-provider";

const { PORT, REDIS_URL, CALLBACK, CHALLENGE } = process.env;
const redis = new Redis(REDIS_URL);
const USED_ONCE = new Set(["AuthorizationCode", "RefreshToken", "DeviceCode"]);
const OF_A_GRANT = new Set(["AccessToken", ...USED_ONCE]);

class Stored {
  constructor(kind) {
    this.kind = kind;
  }

  async upsert(id, payload, seconds) {
    const key = this.key(id);
    const asked = redis.multi();
    if (USED_ONCE.has(this.kind)) asked.hset(key, { payload: JSON.stringify(payload) });
    else asked.set(key, JSON.stringify(payload));
    if (seconds) asked.expire(key, seconds);
    if (OF_A_GRANT.has(this.kind) && payload.grantId) {
      asked.rpush(grant(payload.grantId), key).expire(grant(payload.grantId), 14 * 24 * 3600);
    }
    if (payload.uid) asked.set(`uid:${payload.uid}`, id, "EX", seconds);
    await asked.exec();
  }

  async find(id) {
    if (!USED_ONCE.has(this.kind)) return JSON.parse(await redis.get(this.key(id))) ?? undefined;
    const { payload, ...rest } = await redis.hgetall(this.key(id));
    return payload && { ...rest, ...JSON.parse(payload) };
  }

  async findByUid(uid) {
    const id = await redis.get(`uid:${uid}`);
    return id && this.find(id);
  }

  async findByUserCode() {
    return undefined;
  }

  async consume(id) {
    await redis.hset(this.key(id), "consumed", Math.floor(Date.now() / 1000));
  }

  async destroy(id) {
    await redis.del(this.key(id));
  }

  async revokeByGrantId(id) {
    const keys = await redis.lrange(grant(id), 0, -1);
    await redis.del(...keys, grant(id));
  }

  key(id) {
    return `${this.kind}:${id}`;
  }
}

const grant = (id) => `grant:${id}`;

const key = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" });

const provider = new Provider(`http://localhost:${PORT}`, {
  adapter: Stored,
  clients: [
    {
      client_id: "bench",
      client_secret: "a-secret-of-the-bench",
      redirect_uris: [CALLBACK],
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
    },
  ],
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, email: "ada@example.org", name: "Ada" }) }),
  claims: { openid: ["sub"], email: ["email"], profile: ["name"] },
  cookies: { keys: ["a key of the bench"] },
  jwks: { keys: [{ ...key, alg: "RS256", use: "sig", kid: "bench" }] },
  features: { introspection: { enabled: true }, revocation: { enabled: true }, devInteractions: { enabled: false } },
  issueRefreshToken: () => true,
  rotateRefreshToken: true,
});

// The code that a sign-in and consent would have led to.
async function code() {
  const client = await provider.Client.find("bench");
  const scope = "openid profile email offline_access";
  const found = new provider.Grant({ accountId: "ada", clientId: "bench" });
  found.addOIDCScope(scope);
  const about = { accountId: "ada", client, grantId: await found.save(), redirectUri: CALLBACK, scope, nonce: "n" };
  const challenge = { codeChallenge: CHALLENGE, codeChallengeMethod: "S256" };
  return new provider.AuthorizationCode({ ...about, ...challenge, authTime: Math.floor(Date.now() / 1000) }).save();
}

const answer = provider.callback();
createServer(async (request, response) => {
  if (!request.url.startsWith("/bench/codes")) return answer(request, response);
  const count = Number(new URL(request.url, "http://localhost").searchParams.get("count"));
  response.end(JSON.stringify(await Promise.all(Array.from({ length: count }, code))));
}).listen(PORT, "127.0.0.1");
