import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { Countdown } from "../countdown";
import { api, type ApprovalBody, type AssertionBody, type BulletinBody, type QuestionBody } from "../api";
import { diff } from "../diff";
import { question, sign as passkey } from "../passkey";
import { Boards, Player } from "../player";
import { approves, go, me, notice, say, touch, trouble, unitName, w } from "../state";
import { date, length, when } from "../time";
import { Card, Empty, Field, Foot, Icon, Lacking, Link, Note, Say, Shown, Tag, Title, useBusy, useLoaded } from "../ui";
import { weekdays } from "../wish";
import { ClassTag } from "./today";

export function Approvals() {
  const requests = useLoaded("requests", ["bulletin"], api.approvals);
  return (
    <>
      <Title>{w().approvalsTitle}</Title>
      <Shown of={requests}>
        {(list) =>
          list.length === 0 ? (
            <Empty icon="approvals" hint={w().nothingToApproveHint}>
              {w().nothingToApprove}
            </Empty>
          ) : (
            <ul class="rows cards">
              {list.map((r) => (
                <li key={r.id}>
                  <Link to={`/duyet/${r.id}`} class="row">
                    <b>{r.bulletin.title}</b>
                    <ClassTag of={r.bulletin.class} drill={r.drill} />
                    <Tag>{w().needs(r.signed.length, r.needed)}</Tag>
                    <span>{say(r.consequence)}</span>
                    <span class="quiet">
                      {w().by}: {r.bulletin.author_name}, {when(r.created)}
                    </span>
                  </Link>
                </li>
              ))}
            </ul>
          )
        }
      </Shown>
    </>
  );
}

export function Approval({ id }: { id: string }) {
  const request = useLoaded(id, ["bulletin"], () => api.approval(id));
  if (request.data) return <One r={request.data} />;
  return (
    <>
      <Title back="/duyet">{w().approvalsTitle}</Title>
      <Lacking of={[request]} />
    </>
  );
}

/** How far the approver is: looking, typing the password, waiting out the count-down, or returning. */
type Step = { is: "look" } | { is: "sign" } | { is: "count" } | { is: "return" };

function One({ r }: { r: ApprovalBody }) {
  const b = r.bulletin;
  return (
    <div class={b.class === "emergency" ? (r.drill ? "stack mood drill" : "stack mood alarm") : "stack"}>
      <Title back="/duyet">{b.title}</Title>
      <p class="tags">
        <ClassTag of={b.class} drill={r.drill} />
        <Tag>{w().needs(r.signed.length, r.needed)}</Tag>
        {r.signatures.length > 0 && (
          <span>
            {w().signedBy}: {r.signatures.map((x) => `${x.person_name} (${x.key === "passkey" ? w().keyOwn : w().keyHub})`).join(", ")}
          </span>
        )}
      </p>
      {r.night && (
        <Note tone="night">
          <b>{w().nightPermission}:</b> {r.night_reason}
        </Note>
      )}
      {b.revision > 1 && <Differences b={b} />}
      <Card>
        {b.sound && (
          <>
            <p class="quiet">
              {w().exactSound}, {length(b.length_ms ?? 0)}
            </p>
            <Player bulletin={b} />
          </>
        )}
        {b.text && (
          <p class="said" lang={b.language}>
            {b.text}
          </p>
        )}
      </Card>
      {b.board && (
        <Card title={w().onBoard}>
          <Boards bulletin={b} />
        </Card>
      )}
      <Card title={w().whereWhen}>
        <dl>
          <dt>{w().where}</dt>
          <dd>{r.units.map(unitName).join(", ")}</dd>
          {b.wish && (
            <>
              <dt>{w().whenLabel}</dt>
              <dd>{whenOf(b.wish)}</dd>
            </>
          )}
          <dt>{w().days}</dt>
          <dd>
            {r.first_day === r.last_day ? date(r.first_day) : `${date(r.first_day)} – ${date(r.last_day)}`}, {w().plays(r.plays_per_day)}
          </dd>
          {b.sound && b.wish?.volume ? (
            <>
              <dt>{w().volume}</dt>
              <dd>{b.wish.volume}&nbsp;%</dd>
            </>
          ) : null}
          <dt>{w().by}</dt>
          <dd>
            {b.author_name}, {when(r.created)}
          </dd>
        </dl>
      </Card>
      <Sign r={r} />
    </div>
  );
}

function Sign({ r }: { r: ApprovalBody }) {
  const step = useSignal<Step>({ is: "look" });
  const password = useSignal("");
  const reason = useSignal("");
  const returned = useRef(false); // to looking: the verb takes the focus again
  const [busy, run] = useBusy();
  const self = me.value?.id ?? "";
  const why =
    r.state !== "open" ? w().requestClosed
    : r.bulletin.author === self ? w().yours
    : r.signed.includes(self) ? w().youSigned
    : !approves() ? w().mayNotApprove
    : "";
  const goesNow = r.bulletin.wish?.when === "now" && r.signed.length + 1 >= r.needed;

  const assertion = useRef<AssertionBody | undefined>(undefined);
  const asked = useSignal<QuestionBody | undefined>(undefined);
  useEffect(() => {
    if (!why) void question(r.id).then((q) => (asked.value = q));
  }, [r.id, why]);
  const sign = () =>
    run(async () => {
      try {
        const signed = await api.approve(r.id, assertion.current ? { assertion: assertion.current } : { password: password.value });
        go("/", true);
        notice.value = signed.state === "approved" ? w().approved : w().signedOne;
        touch("bulletin", "receipt");
      } catch (e) {
        step.value = { is: "sign" };
        throw e;
      } finally {
        password.value = "";
        assertion.current = undefined;
      }
    });
  // The passkey is opened first, while the person is at it; what goes on air at once is sent after the count-down.
  const byPasskey = () =>
    run(async () => {
      if (asked.value) assertion.current = await passkey(asked.value);
    }).then(() => {
      if (assertion.current) count();
    });
  const begin = (e: Event) => {
    e.preventDefault();
    count();
  };
  const count = () => {
    if (!goesNow) return void sign();
    step.value = { is: "count" };
  };
  const cancel = (slept: boolean) => {
    password.value = "";
    assertion.current = undefined;
    returned.current = true;
    step.value = { is: "look" };
    notice.value = slept ? w().countdownSlept : w().countdownStopped;
  };
  const giveBack = (e: Event) => {
    e.preventDefault();
    void run(async () => {
      await api.giveBack(r.id, reason.value.trim());
      go("/", true);
      notice.value = w().gaveBack;
      touch("bulletin");
    });
  };

  const s = step.value;
  const look = () => {
    returned.current = true;
    step.value = { is: "look" };
  };
  return (
    <Foot>
      <p class="sentence">{say(r.consequence)}</p>
      <Say refusal={trouble.value} />
      {why && <p class="quiet">{why}</p>}
      {!why && s.is === "look" && (
        <div class="pair">
          <button type="button" class="second" onClick={() => (step.value = { is: "return" })}>
            {w().giveBack}
          </button>
          <button
            type="button"
            class="button"
            aria-disabled={busy}
            ref={(e) => {
              if (e && returned.current) e.focus();
              if (e) returned.current = false;
            }}
            onClick={() => (asked.value ? void byPasskey() : (step.value = { is: "sign" }))}
          >
            <Icon name="approvals" />
            {w().approveVerb}
          </button>
        </div>
      )}
      {!why && s.is === "look" && asked.value && !r.passkey && (
        <button type="button" class="text" onClick={() => (step.value = { is: "sign" })}>
          {w().byPassword}
        </button>
      )}
      {!why && r.passkey && !asked.value && <p class="badtext">{w().passkeyOnly}</p>}
      {!why && s.is === "sign" && (
        <form onSubmit={begin}>
          <Field label={w().approvePassword}>
            {(f) => <input id={f} type="password" name="password" autocomplete="current-password" required ref={focus} value={password.value} onInput={(e) => (password.value = e.currentTarget.value)} />}
          </Field>
          <div class="pair">
            <button type="button" class="second" onClick={look}>
              {w().cancel}
            </button>
            <button type="submit" class="button" aria-disabled={busy}>
              {goesNow ? w().approveNow : w().approveSign}
            </button>
          </div>
        </form>
      )}
      {!why && s.is === "count" && <Countdown onEnd={() => void sign()} onCancel={cancel} />}
      {!why && s.is === "return" && (
        <form onSubmit={giveBack}>
          <Field label={w().giveBackReason}>
            {(f) => <textarea id={f} name="reason" rows={2} required maxLength={600} ref={focus} value={reason.value} onInput={(e) => (reason.value = e.currentTarget.value)} />}
          </Field>
          <div class="pair">
            <button type="button" class="second" onClick={look}>
              {w().cancel}
            </button>
            <button type="submit" class="button danger" aria-disabled={busy}>
              {w().giveBackSend}
            </button>
          </div>
        </form>
      )}
    </Foot>
  );
}

/** focus takes the focus to what has just appeared. */
function focus(e: HTMLElement | null): void {
  if (e && !e.dataset["seen"]) {
    e.dataset["seen"] = "1";
    e.focus();
  }
}

/** whenOf says when an airing is wished for. */
function whenOf(wish: NonNullable<BulletinBody["wish"]>): string {
  if (wish.when === "now") return w().now;
  if (wish.when === "programmes") return `${w().inProgrammes}. ${w().usableUntil} ${wish.last_day ? date(wish.last_day) : ""}`;
  return [wish.start ? when(wish.start + "+07:00") : "", wish.rule ? ruleWords(wish.rule) : ""].filter(Boolean).join(", ");
}

/** facets are what an approver has to look at, each in words. */
function facets(b: BulletinBody): [string, string][] {
  const o = b.options;
  const wish = b.wish;
  const at = wish ? whenOf(wish) : "";
  return [
    [w().title, b.title],
    [w().text, b.text],
    [w().boardText, b.board],
    [w().where, (wish?.units ?? []).map(unitName).join(", ")],
    [w().whenLabel, at],
    [w().volume, wish?.volume ? `${wish.volume}\u00a0%` : ""],
    [w().source, !o.wanted ? w().noSound : b.upload ? w().fromFile : [w()[o.voice ?? "north"], w().timesN(o.repeat ?? 1), o.chime ? w().chime : "", o.rate && o.rate !== 1 ? `${w().rate} ${o.rate}` : ""].filter(Boolean).join(", ")],
  ];
}

/** ruleWords says a rule of the console's own form. */
function ruleWords(rule: string): string {
  const by = /BYDAY=([A-Z,]+)/.exec(rule)?.[1]?.split(",");
  const until = /UNTIL=(\d{4})(\d\d)(\d\d)/.exec(rule);
  return [by ? by.map((d) => w().weekdays[weekdays.indexOf(d as (typeof weekdays)[number])] ?? d).join(", ") : w().daily, until ? `${w().untilDay} ${date(`${until[1]}-${until[2]}-${until[3]}`)}` : ""].filter(Boolean).join(", ");
}

/** Differences shows what an edit has changed since the revision before. */
function Differences({ b }: { b: BulletinBody }) {
  const previous = useLoaded(b.id, [], () => api.previous(b.id));
  return (
    <Card title={w().differences(b.revision - 1)} tone="warn">
      <Shown of={previous}>
        {(p) => {
          const was = facets(p);
          const parts = facets(b).map(([label, now], i): [string, string, string] => [label, was[i]?.[1] ?? "", now]);
          const changed = parts.filter(([, x, y]) => x !== y);
          if (changed.length === 0) return <p>{w().noDifferences}</p>;
          return (
            <dl>
              {changed.map(([label, x, y]) => (
                <>
                  <dt>{label}</dt>
                  <dd class="said">
                    {diff(x, y).map((d, i) => (d.kind === "same" ? <span key={i}>{d.text}</span> : d.kind === "gone" ? <del key={i}>{d.text}</del> : <ins key={i}>{d.text}</ins>))}
                  </dd>
                </>
              ))}
            </dl>
          );
        }}
      </Shown>
    </Card>
  );
}
