// Files and recordings on their way to the hub, by the tus protocol: after a
// break they go on where they stopped, also in another tab.
import { Upload, type PreviousUpload } from "tus-js-client";
import { prefix, Refusal } from "./call";

const endpoint = prefix + "/uploads/resumable";
const header = "Loa-Digest";

/** refusalOf says what to do where an upload fails. */
function refusal(status: number): Refusal {
  if (status === 413) return new Refusal(413, { vi: "Tệp quá lớn. Hãy cắt ngắn rồi chọn lại.", en: "The file is too large. Shorten it and choose again." }, "too-large", "");
  if (status === 403 || status === 401) return new Refusal(status, { vi: "Tài khoản này không được tải tệp lên. Hãy đăng nhập lại.", en: "This account may not upload. Log in again." }, "forbidden", "");
  if (status === 507) return new Refusal(507, { vi: "Ổ đĩa của trung tâm đã đầy; hãy báo quản trị viên.", en: "The hub's disk is full; tell an administrator." }, "storage-full", "");
  return new Refusal(0, { vi: "Tải lên bị ngắt. Hãy chọn lại đúng tệp đó: sẽ tải tiếp từ chỗ dừng.", en: "The upload broke off. Choose the same file again: it goes on where it stopped." }, "away", "");
}

type Input = File | Blob | Pick<ReadableStreamDefaultReader<Uint8Array>, "read">;

interface Way {
  name: string;
  tell?: (done: number) => void;
  /** url of an upload that was begun before. */
  url?: string | undefined;
  began?: (url: string) => void;
}

/** send uploads a file, or what a reader yields while it comes, and returns the digest. */
export function send(input: Input, way: Way): Promise<string> {
  return new Promise((resolve, reject) => {
    const stream = !(input instanceof Blob);
    const up = new Upload(input as File, {
      endpoint,
      ...(way.url ? { uploadUrl: way.url } : {}),
      ...(stream ? { uploadLengthDeferred: true, chunkSize: 16 * 1024 } : { chunkSize: 4 * 1024 * 1024 }),
      retryDelays: [0, 1000, 2000, 4000, 8000, 15000],
      storeFingerprintForResuming: !stream,
      removeFingerprintOnSuccess: true,
      metadata: { filename: way.name.normalize("NFC").slice(0, 200) },
      onProgress: (sent, total) => way.tell?.(total ? sent / total : 0),
      onUploadUrlAvailable: () => up.url && way.began?.(up.url),
      onError: (e) => reject(refusal("originalResponse" in e ? (e.originalResponse?.getStatus() ?? 0) : 0)),
      onSuccess: (p) => {
        const digest = p.lastResponse.getHeader(header);
        if (digest) resolve(digest);
        else reject(refusal(0));
      },
    });
    if (stream) return up.start();
    void up.findPreviousUploads().then(
      (found: PreviousUpload[]) => {
        const before = found[0];
        if (before) up.resumeFromPreviousUpload(before);
        up.start();
      },
      () => up.start(),
    );
  });
}
