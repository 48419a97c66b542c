// Read an image over HTTP; Node.js 18 or newer, and nothing else: node client.mjs URL IMAGE [ocr|meter]
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

// What was answered where there is no result: by the service, or before it.
function told(status, text) {
  try {
    const { errorMsg } = JSON.parse(text);
    if (typeof errorMsg === "string") return errorMsg.replace(/\s+/g, " ").slice(0, 300);
  } catch {}
  const words = text.slice(0, 1000).replace(/\s+/g, " ").trim().slice(0, 100);
  return `answered ${status}, and no JSON of the service: ${words || "(empty)"}`;
}

export async function ask(base, endpoint, image, { key, tries = 5 } = {}) {
  const headers = { "Content-Type": "application/json" };
  if (key) headers.Authorization = `Bearer ${key}`;
  const body = JSON.stringify({ file: Buffer.from(image).toString("base64") });
  for (let attempt = 1; ; attempt++) {
    const signal = AbortSignal.timeout(60_000);
    const response = await fetch(`${base}/${endpoint}`, { method: "POST", headers, body, signal });
    const text = await response.text();
    const wait = response.headers.get("Retry-After") ?? "";
    if (!response.ok && /^\d+$/.test(wait) && attempt < tries) {
      await sleep(1000 * Math.min(Number(wait), 60));
      continue;
    }
    try {
      const { result } = JSON.parse(text);
      if (response.ok && result) return result;
    } catch {}
    throw new Error(told(response.status, text));
  }
}

const [base, path, endpoint = "ocr"] = process.argv.slice(2);
try {
  if (!path) throw new Error("usage: node client.mjs URL IMAGE [ocr|meter]");
  const result = await ask(base.replace(/\/+$/, ""), endpoint, await readFile(path));
  const texts = endpoint === "meter" ? [result.text] : result.ocrResults[0].prunedResult.rec_texts;
  console.log(texts.join("\n"));
} catch (error) {
  console.error(error.cause?.message || error.cause?.code || error.message);
  process.exitCode = 1;
}
