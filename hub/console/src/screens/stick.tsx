// A device where there is no network: what is carried there and back on a stick.
import { useSignal } from "@preact/signals";
import { prefix, refused } from "../call";
import type { DeviceBody } from "../api";
import { FileField } from "../filefield";
import { base64, save } from "../files";
import { dictionary, notice, touch, trouble } from "../state";
import { Say, useBusy } from "../ui";

const t = dictionary(
  {
    title: "Lắp ở nơi không có mạng (USB)", steps: ["Ghi tệp lắp đặt vào USB.", "Cắm USB vào thiết bị và chạy: loa-agent enrol --usb. Thiết bị nhận nơi đặt của nó và ghi lại một tệp .request.loa.json.", "Mang USB về, chọn tệp đó ở đây, ghi tệp trả lời vào USB rồi cắm lại vào thiết bị. Nếu sau này thiết bị có mạng, nó tự làm bước này."],
    make: "Ghi tệp lắp đặt", secret: "Ai giữ tệp này là giữ mã ghi danh của thiết bị. Ghi tệp mới thì tệp cũ chưa dùng hết hiệu lực.", made: "Đã ghi tệp lắp đặt vào mục tải về; hãy chép vào USB.", request: "Tệp thiết bị đã ghi (.request.loa.json)", answer: "Ghi tệp trả lời", answered: "Đã ghi tệp trả lời vào mục tải về; hãy chép vào USB.",
  },
  {
    title: "Install without a network (USB stick)", steps: ["Save the installation's file on a stick.", "Plug it into the device and run: loa-agent enrol --usb. It learns its place and writes a file .request.loa.json.", "Bring the stick back, choose that file here, save the answer on the stick and plug it in again. A device that finds a network does this by itself."],
    make: "Save the installation's file", secret: "Whoever holds the file holds the device's claim. A new one voids an unused one.", made: "Saved among the downloads; copy it to the stick.", request: "The file that the device wrote (.request.loa.json)", answer: "Save the answer", answered: "The answer is among the downloads; copy it to the stick.",
  },
);

export function Stick({ d }: { d: DeviceBody }) {
  const file = useSignal<File | null>(null);
  const [busy, run] = useBusy();
  const get = async (path: string, name: string, body?: unknown) => {
    const r = await fetch(`${prefix}/devices/${d.id}/installation${path}`, { method: "POST", ...(body ? { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) } : {}) });
    if (!r.ok) throw await refused(r);
    save(name, await r.blob());
  };
  const make = () =>
    run(async () => {
      await get("", `${d.id}.loa.json`);
      notice.value = t().made;
    });
  const answer = () =>
    run(async () => {
      if (!file.value) return;
      await get("/answer", `${d.id}.answer.loa.json`, { file: await base64(file.value) });
      notice.value = t().answered;
      touch("device");
    });
  return (
    <details>
      <summary>{t().title}</summary>
      <div class="more">
        <ol class="steps">
          {t().steps.map((s) => (
            <li key={s}>{s}</li>
          ))}
        </ol>
        <p class="hint">{t().secret}</p>
        <button type="button" class="second" aria-disabled={busy} onClick={() => void make()}>
          {t().make}
        </button>
        <FileField label={t().request} accept=".json,application/json" onFile={(f) => (file.value = f ?? null)} />
        <Say refusal={trouble.value} />
        <button type="button" class="second" disabled={!file.value} aria-disabled={busy} onClick={() => void answer()}>
          {t().answer}
        </button>
      </div>
    </details>
  );
}
