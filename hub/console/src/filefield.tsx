// A file to choose, in the language of the page whatever that of the browser is.
import { useSignal } from "@preact/signals";
import { dictionary } from "./state";
import { Field } from "./ui";

const t = dictionary({ choose: "Chọn tệp", none: "Chưa chọn tệp nào." }, { choose: "Choose a file", none: "No file is chosen." });

export function FileField(p: { label: string; hint?: string; accept: string; camera?: boolean; disabled?: boolean; onFile: (file: File | undefined) => void }) {
  const name = useSignal("");
  return (
    <Field label={p.label} {...(p.hint ? { hint: p.hint } : {})}>
      {(f, h) => (
        <span class="file">
          <input
            id={f}
            aria-describedby={h}
            type="file"
            accept={p.accept}
            disabled={p.disabled ?? false}
            {...(p.camera ? { capture: "environment" as const } : {})}
            onChange={(e) => {
              const file = e.currentTarget.files?.[0];
              name.value = file?.name.normalize("NFC") ?? "";
              p.onFile(file);
            }}
          />
          {/* The control itself, which lies over them unseen, says the same to who listens. */}
          <span class="filebutton" aria-hidden="true">
            {t().choose}
          </span>
          <span class="quiet" aria-hidden="true">
            {name.value || t().none}
          </span>
        </span>
      )}
    </Field>
  );
}
