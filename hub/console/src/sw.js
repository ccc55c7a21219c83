// Keeps the console usable without a network: its own files, and the last answers
// of what is only read. The build writes the list of files.
const shell = "loa-{{version}}";
const read = "loa-read";
const files = {{files}};
const kept = /^\/api\/v1\/(sessions|units|bulletins|airings|approvals|devices-now|device-table|drafts|templates|programmes|groups|forecast|days|alerts)(\/|$)/;
const large = /\/(sound|photo|reach\.xlsx)$/;

self.addEventListener("install", (e) => e.waitUntil(caches.open(shell).then((c) => c.addAll(["/", ...files])).then(() => self.skipWaiting())));
self.addEventListener("activate", (e) =>
  e.waitUntil(
    caches
      .keys()
      .then((all) => Promise.all(all.filter((k) => k !== shell && k !== read).map((k) => caches.delete(k))))
      .then(() => self.clients.claim()),
  ),
);

/** fresh asks the hub first, and takes what was kept where it cannot be reached. */
async function fresh(request) {
  try {
    const answer = await fetch(request);
    if (answer.ok) {
      const copy = answer.clone();
      void caches.open(read).then((c) => c.put(request, copy));
    } else if (answer.status === 401) await caches.delete(read);
    return answer;
  } catch (e) {
    const last = await caches.match(request);
    if (last) return last;
    throw e;
  }
}

self.addEventListener("fetch", (e) => {
  const { request } = e;
  const at = new URL(request.url);
  if (request.method !== "GET" || at.origin !== location.origin) return;
  if (at.pathname.startsWith("/assets/")) e.respondWith(caches.match(request).then((c) => c ?? fetch(request)));
  else if (kept.test(at.pathname) && !large.test(at.pathname)) e.respondWith(fresh(request));
  else if (request.mode === "navigate" && !/^\/(dung|dang-nhap|tren-song|kiosk|api)(\/|$)/.test(at.pathname)) e.respondWith(fetch(request).catch(() => caches.match("/")));
});
