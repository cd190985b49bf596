import type { ToolContent } from "../core/tool.ts";

/**
 * Marks text that strangers wrote, so that the model reads it as data. The one place where that is done: a source that
 * forgets it would let a page or a mail give orders.
 */
export function fenceText(source: string, text: string): string {
  // A fence inside the text could pretend to end ours.
  const harmless = text.replace(/<(\/?)untrusted/gi, "<$1_untrusted");
  return `<untrusted source="${source.replace(/[^\w.:@/-]/g, "_")}">\n${harmless}\n</untrusted>`;
}

/** A text for a person to read: without the marks. */
export function withoutFence(text: string): string {
  return text.replace(/<\/?untrusted[^>\n]{0,500}>\n?/g, "");
}

/** Fences every text of a tool's answer. */
export function fenceContent(source: string, content: readonly ToolContent[]): ToolContent[] {
  return content.map((part) => {
    switch (part.type) {
      case "text":
        return { type: "text", text: fenceText(source, part.text) };
      case "json":
        return { type: "text", text: fenceText(source, JSON.stringify(part.value)) };
      case "image":
        return part;
    }
  });
}

/** Names of people go into prompts: one line, bounded, no brackets to break out with. */
export function toPromptName(name: string): string {
  // deno-lint-ignore no-control-regex -- control characters are what is to be taken out
  return name.replace(/[\u0000-\u001f\u007f<>[\]]+/g, " ").trim().slice(0, 80);
}
