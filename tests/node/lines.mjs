// Speaks with a test: a line of JSON asks for one verb of the app, a line of JSON answers.
import { createInterface } from "node:readline";

// The key by which an app proves who it is: a private JWK, for ES256.
export const read = (jwk) => crypto.subtle.importKey("jwk", jwk, { name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);

export async function serve(verbs, refusal) {
  for await (const line of createInterface({ input: process.stdin })) {
    const [verb, ...given] = JSON.parse(line);
    console.log(JSON.stringify(await answer(() => verbs[verb](...given), refusal)));
  }
}

async function answer(act, refusal) {
  try {
    return { result: await act() };
  } catch (problem) {
    const refused = refusal(problem);
    if (refused === undefined) throw problem;
    return { refused };
  }
}
