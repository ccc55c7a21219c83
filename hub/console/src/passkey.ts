// Passkeys: keys in the person's own phone or computer, opened by finger, face or
// PIN. What they sign is the statement itself; the hub cannot sign in their place.
import { call, Refusal } from "./call";
import type { AssertionBody, Me, PasskeyBody, QuestionBody } from "./types";

/** has says whether this browser, at this address, knows passkeys. */
export const has = (): boolean => typeof PublicKeyCredential !== "undefined" && isSecureContext;

const bytes = (s: string): Uint8Array<ArrayBuffer> => Uint8Array.from(atob(s.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const text = (b: ArrayBuffer): string => btoa(String.fromCharCode(...new Uint8Array(b))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

const cancelled = new Refusal(400, { vi: "Chưa ký: khoá không được mở. Hãy thử lại, mở bằng vân tay, khuôn mặt hoặc mã PIN.", en: "Not signed: the passkey was not opened. Try again with finger, face or PIN." }, "cancelled", "");

/** question is what the person's passkeys would sign, or undefined if they have none. */
export async function question(approval: string): Promise<QuestionBody | undefined> {
  if (!has()) return undefined;
  const q = await call<QuestionBody>("GET", `/approvals/${approval}/passkey`).catch(() => undefined);
  return q?.allowCredentials.length ? q : undefined;
}

interface Request {
  challenge: string;
  rpId?: string;
  timeout?: number;
  userVerification?: UserVerificationRequirement;
  allowCredentials?: { id: string }[];
}

/** opened asks the person for a passkey; where they do not give one, nothing was signed. */
async function opened(publicKey: PublicKeyCredentialRequestOptions): Promise<PublicKeyCredential> {
  let c: Credential | null;
  try {
    c = await navigator.credentials.get({ publicKey });
  } catch {
    throw cancelled;
  }
  if (!(c instanceof PublicKeyCredential)) throw cancelled;
  return c;
}

/** logIn logs in by a passkey; with name and password where they alone are not enough. */
export async function logIn(user?: string, password?: string): Promise<Me> {
  const asked = await call<{ ticket: string; options: unknown }>("POST", "/sessions/passkey", user ? { user, password } : {});
  const o = ((asked.options as { publicKey?: Request }).publicKey ?? asked.options) as Request;
  const c = await opened({ ...o, challenge: bytes(o.challenge), allowCredentials: (o.allowCredentials ?? []).map((x) => ({ type: "public-key" as const, id: bytes(x.id) })) });
  const r = c.response as AuthenticatorAssertionResponse;
  const response: Record<string, string> = { clientDataJSON: text(r.clientDataJSON), authenticatorData: text(r.authenticatorData), signature: text(r.signature) };
  if (r.userHandle) response["userHandle"] = text(r.userHandle);
  return call<Me>("PUT", "/sessions/passkey", { ticket: asked.ticket, credential: { id: c.id, rawId: text(c.rawId), type: c.type, clientExtensionResults: {}, response } });
}

/** sign has a passkey sign. */
export async function sign(q: QuestionBody): Promise<AssertionBody> {
  const c = await opened({
    challenge: bytes(q.challenge), rpId: q.rpId, timeout: q.timeout, userVerification: q.userVerification,
    allowCredentials: q.allowCredentials.map((x) => ({ type: x.type, id: bytes(x.id) })),
  });
  const r = c.response as AuthenticatorAssertionResponse;
  return { credential_id: text(c.rawId), authenticator_data: text(r.authenticatorData), client_data: text(r.clientDataJSON), signature: text(r.signature) };
}

interface Options {
  challenge: string;
  user: { id: string; name: string; displayName: string };
  excludeCredentials?: { type: "public-key"; id: string }[];
}

/** register makes a passkey on this device; a registrar confirms it afterwards. */
export async function register(name: string): Promise<PasskeyBody> {
  const begun = await call<{ registration: string; options: unknown }>("POST", "/passkeys/registrations", {});
  const wrapped = begun.options as { publicKey?: Options };
  const o = wrapped.publicKey ?? (begun.options as Options);
  let c: Credential | null;
  try {
    c = await navigator.credentials.create({
      publicKey: {
        ...(o as unknown as PublicKeyCredentialCreationOptions), challenge: bytes(o.challenge), user: { ...o.user, id: bytes(o.user.id) },
        excludeCredentials: (o.excludeCredentials ?? []).map((x) => ({ type: x.type, id: bytes(x.id) })),
      },
    });
  } catch {
    throw cancelled;
  }
  if (!(c instanceof PublicKeyCredential)) throw cancelled;
  const r = c.response as AuthenticatorAttestationResponse;
  const credential = {
    id: c.id, rawId: text(c.rawId), type: c.type, clientExtensionResults: {},
    response: { clientDataJSON: text(r.clientDataJSON), attestationObject: text(r.attestationObject), transports: r.getTransports() },
  };
  return call<PasskeyBody>("POST", "/passkeys", { registration: begun.registration, name, credential });
}
