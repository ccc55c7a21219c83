import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { api, type BulletinBody, type JobBody } from "../api";
import { heard } from "../draft";
import { Boards, Player } from "../player";
import { announce, failed, go, lang, say, touch, w } from "../state";
import { length } from "../time";
import { Card, Foot, Link, Note, Shown, Tag, Title, useBusy, useLoaded } from "../ui";
import { ClassTag } from "./today";

export function Listen({ id }: { id: string }) {
  const bulletin = useLoaded(id, ["bulletin"], () => api.bulletin(id));
  const state = bulletin.data?.state;
  const was = useRef(state);
  useEffect(() => {
    if (was.current === "preparing" && state === "ready") announce(w().soundReady);
    was.current = state;
  }, [state]);
  return (
    <>
      <Title back={`/soan/${id}`}>
        {w().listen} <small class="step">{w().step(2)}</small>
      </Title>
      <Shown of={bulletin}>{(b) => (b.state === "preparing" || b.state === "failed" ? <Making b={b} again={bulletin.again} /> : <Ready b={b} />)}</Shown>
    </>
  );
}

function stage(name: string): string {
  const all: Record<string, string> = { probe: w().stageProbe, speak: w().stageSpeak, measure: w().stageMeasure, level: w().stageLevel, encode: w().stageEncode, verify: w().stageVerify };
  return all[name] ?? w().stageWait;
}

/** Making follows the job until there is a sound, or a reason why not. */
function Making({ b, again }: { b: BulletinBody; again: () => void }) {
  const job = useSignal<JobBody | null>(null);
  const [busy, run] = useBusy();
  useEffect(() => {
    let over = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = async () => {
      try {
        const j = await api.job(b.id);
        if (over) return;
        job.value = j;
        if (b.state === "preparing" && j.state === "done") again();
        if (j.state === "failed") {
          if (b.state === "preparing") again();
          return;
        }
      } catch (e) {
        if (!over) failed(e);
      }
      if (!over) timer = setTimeout(() => void look(), 700);
    };
    void look();
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [b.state, b.changed]);
  const j = job.value;
  if (b.state === "failed")
    return (
      <>
        <Note tone="bad">{j?.problem && j.problem_en ? say({ vi: j.problem, en: j.problem_en }) : b.problem}</Note>
        <Foot>
          <div class="pair">
            <Link to={`/soan/${b.id}`} class="second">
              {w().edit}
            </Link>
            <button
              type="button"
              class="button"
              aria-disabled={busy}
              onClick={() =>
                void run(async () => {
                  if (j) await api.retry(j.id);
                  touch("bulletin");
                })
              }
            >
              {w().retry}
            </button>
          </div>
        </Foot>
      </>
    );
  return (
    <Card title={b.title}>
      <p role="status">
        {w().makingSound}: {stage(j?.stage ?? "")}
      </p>
      {j?.stage === "speak" && j.fraction > 0 && (
        <details>
          <summary>{w().hearGrowing}</summary>
          <audio controls preload="none" src={api.growingURL(b)} aria-label={w().hearGrowing} />
        </details>
      )}
      {j && j.fraction > 0 ? <progress max={1} value={j.fraction} aria-label={w().makingSound} /> : <progress aria-label={w().makingSound} />}
    </Card>
  );
}

function Ready({ b }: { b: BulletinBody }) {
  const listened = useSignal(!b.sound || heard.has(b.sound.digest));
  const changes = b.sound?.changes ?? [];
  const doubts = b.sound?.doubts ?? [];
  const findings = (lang.value === "en" ? b.sound?.findings_en : b.sound?.findings) ?? [];
  return (
    <>
      <Card title={b.title} aside={<ClassTag of={b.class} drill={b.options.drill} />}>
        {b.sound && (
          <>
            <p class="quiet">
              {w().exactSound}, {length(b.length_ms ?? 0)}
            </p>
            <Player bulletin={b} onHeard={() => (listened.value = true)} />
          </>
        )}
        {doubts.length > 0 && (
          <Note tone="warn">
            <b>{w().doubts}:</b> {doubts.map((d) => `“${d}”`).join(", ")}. {w().doubtsMend}
          </Note>
        )}
        {findings.length > 0 && (
          <Note tone="warn">
            <b>{w().findings}:</b> {findings.join(" ")}
          </Note>
        )}
        {b.upload && (
          <details>
            <summary>{w().hearOriginal}</summary>
            <audio controls preload="none" src={api.originalURL(b)} aria-label={w().hearOriginal} />
          </details>
        )}
      </Card>
      {changes.length > 0 && (
        <Card title={w().saysDifferently} aside={<Tag>{changes.length}</Tag>}>
          <table class="changes">
            <thead>
              <tr>
                <th scope="col">{w().written}</th>
                <th scope="col">{w().spoken}</th>
              </tr>
            </thead>
            <tbody>
              {changes.map((c, i) => (
                <tr key={i}>
                  <td>{c.from}</td>
                  <td lang={b.language}>{c.to}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Card>
      )}
      {b.board && (
        <Card title={w().onBoard}>
          <Boards bulletin={b} />
        </Card>
      )}
      {b.text && (
        <Card title={w().whatItSays}>
          <p class="said" lang={b.language}>
            {b.text}
          </p>
        </Card>
      )}
      <Foot>
        <p role="status" class="footsay">
          {b.sound ? (listened.value ? w().heardAll : w().hearAll) : ""}
        </p>
        <div class="pair">
          <Link to={`/soan/${b.id}`} class="second">
            {w().edit}
          </Link>
          <button type="button" class="button" disabled={!listened.value || b.state !== "ready"} onClick={() => go(`/gui/${b.id}`)}>
            {w().toWhereWhen}
          </button>
        </div>
      </Foot>
    </>
  );
}
