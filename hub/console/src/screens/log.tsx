// The record of acts, for auditors: who did what, when, from where.
import { useSignal } from "@preact/signals";
import { call } from "../call";
import { actName, allActs, fieldText } from "../acts";
import type { CheckedBody, RecordBody, ValueBody } from "../api";
import { dictionary, trouble, unitName, units } from "../state";
import { clockExact, number, when } from "../time";
import { Card, Field, Note, Say, Shown, Tag, Title, useBusy, useLoaded } from "../ui";

const t = dictionary(
  {
    title: "Nhật ký", note: "Mỗi việc được ghi nối tiếp nhau; bản ghi sau mang dấu của bản ghi trước, nên không ai sửa được mà không lộ.", person: "Người", subject: "Mã bản tin, thiết bị, người…", unit: "Đơn vị", all: "Tất cả", from: "Từ ngày", to: "Đến ngày", none: "Không có bản ghi nào.", more: "Xem thêm", hub: "trung tâm", erased: "đã xoá tên", before: "trước", after: "sau", filter: "Lọc", filtered: "đang lọc", act: "Việc", check: "Kiểm tra sổ", checkNote: "Trung tâm tính lại cả chuỗi từ bản ghi đầu tiên: không bản ghi nào bị sửa, bỏ hay đổi chỗ.", checkVerb: "Kiểm tra cả sổ", checkAgain: "Kiểm tra lại",
    whole: (n: string, s: string, at: string) => `Sổ nguyên vẹn: ${n} bản ghi, ${s} chữ ký của trung tâm (kiểm tra lúc ${at}).`, unsigned: (n: string) => `${n} bản ghi mới nhất sẽ được ký ở lần tới.`, broken: (n: string) => `SỔ KHÔNG KHỚP ở ${n} chỗ. Hãy giữ nguyên máy chủ và báo ngay cho thanh tra; chi tiết kỹ thuật:`, outside: "Thanh tra không cần tin trung tâm: lệnh loa-hub verify kiểm tra cùng dữ liệu ở máy khác, bằng khoá gốc.",
    via: { session: "trên web", token: "bằng mã API", command: "bằng lệnh", drop: "qua thư mục" } as Record<string, string>,
  },
  {
    title: "Log", note: "Acts are recorded in a chain; each carries the mark of the one before, so nobody changes one unseen.", person: "Person", subject: "Id of a bulletin, device, person…", unit: "Unit", all: "All", from: "From", to: "To", none: "There are no records.", more: "More", hub: "the hub", erased: "name erased", before: "before", after: "after", filter: "Filter", filtered: "filtered", act: "Act", check: "Check the record", checkNote: "The hub recomputes the whole chain from the first record on: none was changed, removed or swapped.", checkVerb: "Check all of it", checkAgain: "Check again",
    whole: (n: string, s: string, at: string) => `The record is whole: ${n} records, ${s} signatures of the hub (checked at ${at}).`, unsigned: (n: string) => `The newest ${n} will be signed the next time.`, broken: (n: string) => `THE RECORD DOES NOT ADD UP in ${n} places. Leave the server as it is and tell the auditor now; in detail:`, outside: "Auditors need not believe the hub: loa-hub verify checks the same elsewhere, with the root key.",
    via: { session: "on the web", token: "by an API token", command: "by a command", drop: "by the drop folder" } as Record<string, string>,
  },
);

interface Page {
  records: RecordBody[];
  next?: number;
}

const said = (list: ValueBody[] | undefined): string => (list ?? []).map((v) => fieldText(v.name, v.value, v.value_name)).join(", ");

/** Check has the hub recompute the whole chain, and says what came of it. */
function Check() {
  const found = useSignal<CheckedBody | null>(null);
  const [busy, run] = useBusy();
  const c = found.value;
  const check = () => run(async () => void (found.value = await call<CheckedBody>("GET", "/records/check")));
  return (
    <Card title={t().check}>
      {!c && <p class="hint">{t().checkNote}</p>}
      {c && c.problems.length === 0 && (
        <Note tone="good">
          <p>{t().whole(number(c.records), number(c.checkpoints), clockExact(c.at))}</p>
          {c.unsigned > 0 && <p class="quiet">{t().unsigned(number(c.unsigned))}</p>}
        </Note>
      )}
      {c && c.problems.length > 0 && (
        <Note tone="bad">
          <p>{t().broken(number(c.problems.length))}</p>
          <ul class="code" lang="en">
            {c.problems.slice(0, 20).map((p) => (
              <li key={p}>{p}</li>
            ))}
          </ul>
        </Note>
      )}
      <Say refusal={trouble.value} />
      <button type="button" class="second" aria-disabled={busy} onClick={() => void check()}>
        {c ? t().checkAgain : t().checkVerb}
      </button>
      <p class="hint">{t().outside}</p>
    </Card>
  );
}

export function Log() {
  const q = useSignal({ person: "", act: "", subject: "", unit: "", from: "", to: "" });
  const before = useSignal(0);
  const v = q.value;
  const set = (part: Partial<typeof v>) => {
    q.value = { ...q.value, ...part };
    before.value = 0;
  };
  const params = new URLSearchParams({ limit: "50" });
  if (v.person) params.set("person", v.person.trim());
  if (v.act) params.set("act", v.act);
  if (v.subject) params.set("subject", v.subject.trim());
  if (v.unit) params.set("unit", v.unit);
  if (v.from) params.set("from", new Date(v.from + "T00:00:00+07:00").toISOString());
  if (v.to) params.set("to", new Date(Date.parse(v.to + "T00:00:00+07:00") + 86400_000).toISOString());
  if (before.value) params.set("before", String(before.value));
  const page = useLoaded(params.toString(), [], () => call<Page>("GET", `/records?${params.toString()}`));
  return (
    <>
      <Title>{t().title}</Title>
      <p class="hint">{t().note}</p>
      <Check />
      <details>
        <summary>
          {t().filter}
          {Object.values(v).some(Boolean) && <Tag tone="act">{t().filtered}</Tag>}
        </summary>
        <div class="more">
          <div class="cols">
            <Field label={t().person}>{(f) => <input id={f} autocapitalize="none" value={v.person} onInput={(e) => set({ person: e.currentTarget.value })} />}</Field>
            <Field label={t().act}>
              {(f) => (
                <select id={f} value={v.act} onChange={(e) => set({ act: e.currentTarget.value })}>
                  <option value="">{t().all}</option>
                  {allActs().map(([act, name]) => (
                    <option key={act} value={act}>
                      {name}
                    </option>
                  ))}
                </select>
              )}
            </Field>
            <Field label={t().subject}>{(f) => <input id={f} autocapitalize="none" value={v.subject} onInput={(e) => set({ subject: e.currentTarget.value })} />}</Field>
            <Field label={t().unit}>
              {(f) => (
                <select id={f} value={v.unit} onChange={(e) => set({ unit: e.currentTarget.value })}>
                  <option value="">{t().all}</option>
                  {units.value.map((u) => (
                    <option key={u.id} value={u.id}>
                      {u.name}
                    </option>
                  ))}
                </select>
              )}
            </Field>
            <Field label={t().from}>{(f) => <input id={f} type="date" value={v.from} onInput={(e) => set({ from: e.currentTarget.value })} />}</Field>
            <Field label={t().to}>{(f) => <input id={f} type="date" value={v.to} onInput={(e) => set({ to: e.currentTarget.value })} />}</Field>
          </div>
        </div>
      </details>
      <Shown of={page}>
        {(p) => (
          <>
            {p.records.length === 0 && <p class="quiet">{t().none}</p>}
            <ul class="rows cards">
              {p.records.map((r) => (
                <li key={r.seq} class="row">
                  <b>{actName(r.act)}</b>
                  <Tag>{r.erased ? t().erased : r.person_name || t().hub}</Tag>
                  <span class="quiet">
                    {[`#${r.seq}`, `${when(r.at)} (${clockExact(r.at)})`, r.unit ? unitName(r.unit) : "", r.via ? (t().via[r.via] ?? r.via) : "", r.address ?? ""].filter(Boolean).join(" · ")}
                  </span>
                  {(r.subject || r.about) && <span>{[r.subject_name ? `${r.subject_name} (${r.subject})` : (r.subject ?? ""), r.about_name].filter(Boolean).join(", ")}</span>}
                  {r.before && r.before.length > 0 && (
                    <span class="quiet">
                      {t().before}: {said(r.before)}
                    </span>
                  )}
                  {r.after && r.after.length > 0 && (
                    <span>
                      {t().after}: {said(r.after)}
                    </span>
                  )}
                </li>
              ))}
            </ul>
            {p.next ? (
              <button type="button" class="second wide" onClick={() => (before.value = p.next ?? 0)}>
                {t().more}
              </button>
            ) : null}
          </>
        )}
      </Shown>
    </>
  );
}

