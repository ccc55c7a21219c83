// A passkey in a real browser, from its registration through a log-in to an approval,
// against a real hub. The authenticator is Chromium's own virtual one: it verifies its user
// and is inside of the machine, as on a phone. Nothing of the console's screens is
// needed, only its origin. It prints PASS and FAIL lines and ends with status 1 if
// anything failed; the last line is the id of the request that was approved.
//
//   BASE_URL       the console's address, http://localhost:PORT
//   APPROVER, APPROVER_PASSWORD, ADMIN, ADMIN_PASSWORD, REGISTRAR_PASSWORD
//   APPROVAL       the request to approve
//   CHROMIUM       the browser's program, /usr/bin/chromium
import { launch } from "./chromium.mjs";

const env = process.env;
let failures = 0;
function result(name, ok, detail = "") {
  if (!ok) failures++;
  console.log(`${ok ? "PASS" : "FAIL"} ${name}${detail ? `: ${detail}` : ""}`);
}

const browser = await launch();

/** open logs somebody in and returns a page of the hub's origin with an authenticator. */
async function open(user, password) {
  const page = await (await browser.newContext()).newPage();
  await page.goto(env.BASE_URL);
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("WebAuthn.enable");
  const { authenticatorId } = await cdp.send("WebAuthn.addVirtualAuthenticator", {
    options: { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
  });
  const login = await call(page, "POST", "/api/v1/sessions", { user, password });
  if (login.status >= 300) throw new Error(`log-in of ${user}: ${login.status} ${JSON.stringify(login.body)}`);
  return { page, cdp, authenticatorId };
}

function call(page, method, path, body) {
  return page.evaluate(async ([method, path, body]) => {
    const answer = await fetch(path, { method, headers: { "Content-Type": "application/json" }, body: body === null ? undefined : JSON.stringify(body) });
    const text = await answer.text();
    return { status: answer.status, body: text ? JSON.parse(text) : null };
  }, [method, path, body ?? null]);
}

async function need(page, method, path, body) {
  const answer = await call(page, method, path, body);
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** make has the page's authenticator make a key. */
function make(page, options) {
  return page.evaluate(async (options) => {
    const made = await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) });
    return made.toJSON();
  }, options);
}

/** sign has the page's authenticator sign a question; the error's name if it does not. */
function sign(page, question) {
  return page.evaluate(async (question) => {
    try {
      const given = await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(question) });
      const j = given.toJSON();
      return {
        assertion: {
          credential_id: j.rawId, authenticator_data: j.response.authenticatorData,
          client_data: j.response.clientDataJSON, signature: j.response.signature,
        },
      };
    } catch (e) {
      return { error: e.name };
    }
  }, question);
}

/** prove has the page's authenticator answer the question of a log-in. */
function prove(page, options) {
  return page.evaluate(async (options) => {
    try {
      const given = await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
      return { credential: given.toJSON() };
    } catch (e) {
      return { error: e.name };
    }
  }, options);
}

try {
  const approver = await open(env.APPROVER, env.APPROVER_PASSWORD);
  const admin = await open(env.ADMIN, env.ADMIN_PASSWORD);
  const request = `/api/v1/approvals/${env.APPROVAL}`;

  const begun = await need(approver.page, "POST", "/api/v1/passkeys/registrations");
  const credential = await make(approver.page, begun.options);
  const kept = await need(approver.page, "POST", "/api/v1/passkeys", { registration: begun.registration, name: "điện thoại", credential });
  result("a passkey is registered and waits", kept.state === "waiting", JSON.stringify(kept));
  const again = await call(approver.page, "POST", "/api/v1/passkeys", { registration: begun.registration, name: "lần nữa", credential });
  result("its registration serves once", again.status === 409, String(again.status));

  const early = await call(approver.page, "GET", `${request}/passkey`);
  result("unconfirmed, it approves nothing", early.status === 409 && early.body.code === "no-passkey", JSON.stringify(early.body));
  const self = await call(approver.page, "POST", `/api/v1/passkeys/${kept.id}/confirm`, { registrar_password: env.REGISTRAR_PASSWORD });
  result("nobody confirms their own", self.status === 403, String(self.status));
  const confirmed = await need(admin.page, "POST", `/api/v1/passkeys/${kept.id}/confirm`, { registrar_password: env.REGISTRAR_PASSWORD });
  result("the registrar confirms it", confirmed.state === "confirmed");

  const verified = (isUserVerified) => approver.cdp.send("WebAuthn.setUserVerified", { authenticatorId: approver.authenticatorId, isUserVerified });
  await need(approver.page, "PUT", `/api/v1/passkeys/${kept.id}/log-in`, { on: true, password: env.APPROVER_PASSWORD });
  await approver.page.context().clearCookies();
  const alone = await call(approver.page, "POST", "/api/v1/sessions", { user: env.APPROVER, password: env.APPROVER_PASSWORD });
  result("the password alone logs in no more", alone.status === 401, JSON.stringify(alone.body));
  const asked = await need(approver.page, "POST", "/api/v1/sessions/passkey", {});
  await verified(false);
  const idle = await prove(approver.page, { ...asked.options, userVerification: "discouraged" });
  const shut = idle.credential ? await call(approver.page, "PUT", "/api/v1/sessions/passkey", { ticket: asked.ticket, credential: idle.credential }) : { status: 401 };
  result("nobody logs in without a fingerprint", shut.status === 401, JSON.stringify(shut.body ?? idle.error));
  await verified(true);
  const proof = await prove(approver.page, (await need(approver.page, "POST", "/api/v1/sessions/passkey", {})).options);
  const strange = await call(approver.page, "PUT", "/api/v1/sessions/passkey", { ticket: asked.ticket, credential: proof.credential });
  result("an answer to another question logs nobody in", strange.status === 401, JSON.stringify(strange.body));
  const ticket = await need(approver.page, "POST", "/api/v1/sessions/passkey", {});
  const right = await prove(approver.page, ticket.options);
  const inside = await call(approver.page, "PUT", "/api/v1/sessions/passkey", { ticket: ticket.ticket, credential: right.credential });
  const me = await call(approver.page, "GET", "/api/v1/sessions");
  result("the passkey logs in", inside.status === 200 && me.body?.id === env.APPROVER, JSON.stringify(inside.body ?? right.error));

  const question = await need(approver.page, "GET", `${request}/passkey`);
  await verified(false);
  const unverified = await sign(approver.page, question);
  result("without a fingerprint the browser signs nothing", unverified.error === "NotAllowedError", JSON.stringify(unverified));
  // What a changed page may get is refused by the hub, as by devices.
  const lax = await sign(approver.page, { ...question, userVerification: "discouraged" });
  const refused = lax.assertion ? await call(approver.page, "POST", `${request}/approve`, { assertion: lax.assertion }) : { status: 403 };
  result("an assertion without user verification is refused", refused.body?.code === "assertion-refused", JSON.stringify(refused.body ?? lax.error));
  await verified(true);

  const other = await sign(approver.page, { ...question, challenge: "A".repeat(43) });
  const replayed = await call(approver.page, "POST", `${request}/approve`, { assertion: other.assertion });
  result("an assertion on another challenge is refused", replayed.body?.code === "assertion-refused", JSON.stringify(replayed.body));

  const began = Date.now();
  const { assertion, error } = await sign(approver.page, question);
  if (!assertion) throw new Error(`not signed: ${error}`);
  const done = await need(approver.page, "POST", `${request}/approve`, { assertion });
  result("the passkey approves", done.state === "approved" && done.signatures[0].key === "passkey", `${Date.now() - began} ms, ${JSON.stringify(done.signatures)}`);
} catch (e) {
  result("the flow", false, String(e?.stack ?? e));
}
await browser.close();
process.exit(failures > 0 ? 1 : 0);
