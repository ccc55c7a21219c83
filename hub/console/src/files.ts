// Files that people choose and files that they get.

/** base64 reads a file as the API takes it. */
export const base64 = (f: Blob): Promise<string> =>
  new Promise((yes, no) => {
    const r = new FileReader();
    r.onload = () => yes(String(r.result).split(",")[1] ?? "");
    r.onerror = () => no(new Error("unreadable"));
    r.readAsDataURL(f);
  });

/** save gives people a file. */
export function save(name: string, content: Blob): void {
  const url = URL.createObjectURL(content);
  const a = document.createElement("a");
  a.href = url;
  a.download = name;
  a.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

const side = 1600; // px

/** small makes a telephone's photograph small enough for a slow line; what it cannot read it leaves as it is. */
export async function small(f: File): Promise<Blob> {
  try {
    const picture = await createImageBitmap(f);
    const scale = Math.min(1, side / Math.max(picture.width, picture.height));
    if (scale === 1 && f.size < 1 << 20) return f;
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(picture.width * scale);
    canvas.height = Math.round(picture.height * scale);
    canvas.getContext("2d")?.drawImage(picture, 0, 0, canvas.width, canvas.height);
    return await new Promise<Blob>((yes) => canvas.toBlob((b) => yes(b ?? f), "image/jpeg", 0.85));
  } catch {
    return f;
  }
}
