import { call } from "../call";
import { api, type AlertBody } from "../api";
import { dictionary, say, touch, unitName, w } from "../state";
import { when } from "../time";
import { Card, Empty, Lacking, Link, Shown, Tag, Title, useBusy, useLoaded } from "../ui";

const t = dictionary(
  { none: "Không có cảnh báo nào.", noneHint: "Loa im tiếng, xác nhận mâu thuẫn hay bị mất trong bảy ngày qua sẽ hiện ở đây kèm lý do.", seen: (by: string) => `${by} đã xem`, see: "Đã xem", over: "đã hết", open: "đang có", device: "Xem thiết bị" },
  { none: "There are no alerts.", noneHint: "Silent devices, and receipts in conflict or lost within seven days, appear here with their reasons.", seen: (by: string) => `seen by ${by}`, see: "Seen", over: "over", open: "open", device: "See the device" },
);

/** Alerts lists what an operator must look at: those of the last week too. */
export function Alerts() {
  const alerts = useLoaded("alerts", ["alert", "device"], () => call<AlertBody[]>("GET", `/alerts?since=${encodeURIComponent(new Date(Date.now() - 7 * 86400_000).toISOString())}`));
  const silent = useLoaded("silent", ["alert"], api.silent);
  const [busy, run] = useBusy();
  const see = (id: number) =>
    run(async () => {
      await call<AlertBody>("POST", `/alerts/${id}/seen`);
      touch("alert");
    });
  return (
    <>
      <Title>{w().alerts}</Title>
      {Boolean(silent.data?.length) && (
        <Card title={w().silentVillages} tone="alarm">
          <ul class="rows">
            {silent.data?.map((v) => (
              <li key={v.unit} class="row">
                <b>{unitName(v.unit)}</b>
                <span class="quiet">{w().silentSince(when(v.since), v.devices)}</span>
              </li>
            ))}
          </ul>
        </Card>
      )}
      {alerts.data && <Lacking of={[silent]} />}
      <Shown of={alerts}>
        {(list) =>
          list.length === 0 ? (
            <Empty icon="bell" hint={t().noneHint}>
              {t().none}
            </Empty>
          ) : (
            <ul class="rows cards">
              {list.map((a) => (
                <li key={a.id} class="row">
                  <b>{say({ vi: a.text_vi, en: a.text_en })}</b>
                  <Tag tone={a.closed ? "" : "bad"}>{a.closed ? t().over : t().open}</Tag>
                  <span class="quiet">
                    {when(a.since)}
                    {a.seen_by_name ? `, ${t().seen(a.seen_by_name)}` : ""}
                  </span>
                  {a.device && (
                    <Link to={`/thiet-bi/${a.device}`} class="second small">
                      {t().device}
                    </Link>
                  )}
                  {!a.seen && !a.closed && (
                    <button type="button" class="second small" aria-disabled={busy} onClick={() => void see(a.id)}>
                      {t().see}
                    </button>
                  )}
                </li>
              ))}
            </ul>
          )
        }
      </Shown>
    </>
  );
}
