// Runs the lines that docs/apps.md has people copy. Where they wait for the person, it writes the address and reads the callback.
import { createInterface } from "node:readline/promises";

const { library, name, issuer, id, secret, block } = JSON.parse(process.argv[2]);
const lines = createInterface({ input: process.stdin });
const goTo = async (address) => {
  console.log(address.href);
  return new URL((await lines[Symbol.asyncIterator]().next()).value);
};
const back = "// back at the callback, in the same browser:\n";
if (!block.includes(back)) throw new Error("the docs do not say where the person comes back");
const body = `${block.replace(back, "const callback = await goTo(address);")}
return { person, tokens, next: typeof next === "undefined" ? tokens : next };`;

const AsyncFunction = (async () => {}).constructor;
const run = new AsyncFunction(name, "ISSUER", "ID", "SECRET", "goTo", body);
const { person, tokens, next } = await run(await import(library), issuer, id, secret, goTo);
console.log(JSON.stringify({ person, before: tokens.access_token, after: next.access_token }));
process.exit();
