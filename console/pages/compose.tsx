import { useEffect, useRef, useState } from "preact/hooks";
import { keepDraft, readDraft } from "../draft.ts";

const maxImages = 10;
/** Of `data:` URLs: what a request may hold by default, with room for its text. */
const maxImageCharacters = 8_000_000;

/** Where a message is written. The arrow up in an empty field brings back what was said before. */
export function Compose({ agent, said, onSay }: {
  readonly agent: string;
  /** Oldest first. */
  readonly said: readonly string[];
  onSay(text: string, images: readonly string[]): void;
}) {
  const [back, setBack] = useState(0);
  const box = useRef<HTMLTextAreaElement>(null);
  const picker = useRef<HTMLInputElement>(null);
  const [images, setImages] = useState<readonly string[]>([]);
  const [refusal, setRefusal] = useState("");
  const draft = `chat.${agent}`;
  useEffect(() => {
    if (box.current === null) return;
    box.current.value = readDraft(draft) ?? "";
    fit(box.current);
    box.current.focus();
  }, []);
  const attach = async (files: Iterable<File>) => {
    const given = [...files];
    const pictures = given.filter(({ type }) => type.startsWith("image/"));
    if (pictures.length < given.length) setRefusal("Only images can be attached here.");
    if (pictures.length === 0) return;
    const all = [...images, ...await Promise.all(pictures.map(toDataUrl))];
    const fits = all.length <= maxImages && all.join("").length <= maxImageCharacters;
    if (pictures.length === given.length) setRefusal(fits ? "" : "At most ten images, together at most 6 MB.");
    if (fits) setImages(all);
  };
  const send = () => {
    const text = box.current?.value.trim() ?? "";
    if (box.current === null || (text === "" && images.length === 0)) return;
    box.current.value = "";
    keepDraft(draft, undefined);
    setBack(0);
    fit(box.current);
    setImages([]);
    onSay(text, images);
  };
  /** Shows what was said `steps` messages ago; 0 is a new one. */
  const recall = (steps: number) => {
    const shown = Math.min(Math.max(steps, 0), said.length);
    setBack(shown);
    if (box.current === null) return;
    box.current.value = said[said.length - shown] ?? "";
    fit(box.current);
  };
  return (
    <form
      class="compose"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      {refusal !== "" && <p class="hint bad" role="alert">{refusal}</p>}
      {images.length > 0 && (
        <p class="thumbs">
          {images.map((image, index) => (
            <button
              key={image}
              type="button"
              aria-label={`Take image ${index + 1} away`}
              onClick={() => setImages(images.filter((one) => one !== image))}
            >
              <img src={image} alt="" />
            </button>
          ))}
        </p>
      )}
      <input
        ref={picker}
        hidden
        type="file"
        accept="image/*"
        multiple
        aria-label="Images"
        onChange={({ currentTarget }) => {
          void attach(currentTarget.files ?? []);
          currentTarget.value = "";
        }}
      />
      <button class="attach" type="button" aria-label="Attach an image" onClick={() => picker.current?.click()}>
        +
      </button>
      <textarea
        ref={box}
        rows={1}
        aria-label={`Message to ${agent}`}
        placeholder={`Message ${agent}`}
        onInput={({ currentTarget }) => {
          setBack(0);
          keepDraft(draft, currentTarget.value || undefined);
          fit(currentTarget);
        }}
        onPaste={(event) => {
          const files = [...event.clipboardData?.files ?? []];
          if (files.length === 0) return;
          event.preventDefault();
          void attach(files);
        }}
        onKeyDown={(event) => {
          const recalls = back > 0 || event.currentTarget.value === "";
          if (recalls && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
            event.preventDefault();
            recall(event.key === "ArrowUp" ? back + 1 : back - 1);
          }
          if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
          event.preventDefault();
          send();
        }}
      />
      <button class="primary" type="submit">Send</button>
      <p class="hint">Enter sends, Shift+Enter begins a new line, ↑ brings back what you said</p>
    </form>
  );
}

function toDataUrl(file: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}

function fit(box: HTMLTextAreaElement): void {
  box.style.blockSize = "auto";
  box.style.blockSize = `${Math.min(box.scrollHeight + 2, 240)}px`;
}
