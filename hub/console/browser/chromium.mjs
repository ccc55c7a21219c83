// Opens the system's Chromium.
import { chromium } from "playwright-core";

const flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"];

/**
 * launch starts CHROMIUM, /usr/bin/chromium by default, with more flags. On a busy machine
 * the program sometimes crashes before its first page: it is started once more then.
 */
export async function launch(...more) {
  const options = { executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: [...flags, ...more] };
  try {
    return await chromium.launch(options);
  } catch (e) {
    console.log(`the browser did not start, once more: ${String(e?.message ?? e).split("\n")[0]}`);
    return chromium.launch(options);
  }
}
