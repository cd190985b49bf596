const place = (name: string) => `nexo.draft.${name}`;

/** What somebody has typed and not sent yet: it is there again after a look at other pages, and after a reload. */
export function readDraft(name: string): string | undefined {
  return sessionStorage.getItem(place(name)) ?? undefined;
}

/** Keeps it for this tab, until it is sent or taken back. */
export function keepDraft(name: string, text: string | undefined): void {
  if (text === undefined) sessionStorage.removeItem(place(name));
  else sessionStorage.setItem(place(name), text);
}
