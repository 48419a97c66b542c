// Read an image over HTTP; Node.js 18 or newer, and nothing else: node client.mjs URL IMAGE [ocr|meter]
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

export async function ask(base, endpoint, image, { key, tries = 5 } = {}) {
  const headers = { "Content-Type": "application/json" };
  if (key) headers.Authorization = `Bearer ${key}`;
  const body = JSON.stringify({ file: Buffer.from(image).toString("base64") });
  for (let attempt = 1; ; attempt++) {
    const signal = AbortSignal.timeout(60_000);
    const response = await fetch(`${base}/${endpoint}`, { method: "POST", headers, body, signal });
    const answer = await response.json();
    if (response.ok) return answer.result;
    const wait = response.headers.get("Retry-After");
    if (wait === null || attempt === tries) throw new Error(answer.errorMsg);
    await sleep(1000 * Number(wait));
  }
}

const [base, path, endpoint = "ocr"] = process.argv.slice(2);
try {
  const result = await ask(base, endpoint, await readFile(path));
  const texts = endpoint === "meter" ? [result.text] : result.ocrResults[0].prunedResult.rec_texts;
  console.log(texts.join("\n"));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
