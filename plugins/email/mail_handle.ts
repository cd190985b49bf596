/** Where one mail lies: what agents name it by. */
export interface MailHandle {
  readonly folder: string;
  readonly uidValidity: string;
  readonly uid: number;
}

/** Writes a {@linkcode MailHandle} as one text. */
export function toMailHandle({ folder, uidValidity, uid }: MailHandle): string {
  return `${folder}/${uidValidity}/${uid}`;
}

/** Reads {@linkcode toMailHandle} back; `undefined` for anything else. */
export function parseMailHandle(text: string): MailHandle | undefined {
  const [, folder, uidValidity, uid] = /^([^\r\n]{1,200})\/(\d{1,20})\/(\d{1,10})$/.exec(text) ?? [];
  if (folder === undefined || uidValidity === undefined || uid === undefined) return undefined;
  return { folder, uidValidity, uid: Number(uid) };
}
