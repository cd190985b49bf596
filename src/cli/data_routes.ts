import { buildCommand } from "@stricli/core";
import { config, data, dryRun, json, toAction, toDescription, yes } from "./route_parts.ts";

/** `agent forget-person`. */
export const forgetPersonCommand = buildCommand({
  loader: async () => toAction((await import("./forget_person.ts")).forgetPerson),
  parameters: {
    flags: {
      dryRun: { ...dryRun, brief: "Only count what there is" },
      yes,
      data,
      json,
    },
    positional: {
      kind: "tuple",
      parameters: [{ brief: "plugin:id, such as telegram:4711", placeholder: "PERSON", parse: String }],
    },
    aliases: { y: "yes" },
  },
  docs: {
    brief: "Delete everything that one person said and was told",
    fullDescription: toDescription(
      "Conversations, turns, waiting messages, replies, dead letters, files, facts, and their bytes. Works while the process runs, and without one.",
      ["agent forget-person telegram:4711 --dry-run", "agent forget-person email:eva@example.com --yes"],
      ["2 no person, or nobody to ask"],
    ),
  },
});

const passphraseFile = {
  kind: "parsed",
  parse: String,
  brief: "File with the passphrase; absent: asked for at the terminal",
  placeholder: "FILE",
  optional: true,
} as const;

/** `agent backup`. */
export const backupCommand = buildCommand({
  loader: async () => toAction((await import("./backup.ts")).makeBackup),
  parameters: {
    flags: {
      encrypt: { kind: "boolean", brief: "Encrypt it with a passphrase", default: false, withNegated: false },
      passphraseFile,
      recipient: {
        kind: "parsed",
        parse: String,
        brief: "Encrypt it for this age public key; may be given again",
        placeholder: "KEY",
        variadic: true,
        optional: true,
      },
      config,
      data,
      json,
    },
    positional: {
      kind: "tuple",
      parameters: [{
        brief: "File to write; absent: nexo-backup-TIME.tar.gz here",
        placeholder: "FILE",
        parse: String,
        optional: true,
      }],
    },
  },
  docs: {
    brief: "Write everything into one file, while the agents run",
    fullDescription: toDescription(
      "Ledger, memories, workspaces with their Git history, what channels keep, and the config without secrets. Accounts that are linked (WhatsApp) only into an encrypted file.",
      [
        "agent backup",
        "agent backup /backups/nexo.tar.gz.age --recipient age1qyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqs3290gq",
        "agent backup --encrypt --passphrase-file /run/secrets/backup",
      ],
      ["4 no data folder", "5 another backup is being written to that file"],
    ),
  },
});

/** `agent restore`. */
export const restoreCommand = buildCommand({
  loader: async () => toAction((await import("./backup.ts")).restoreBackup),
  parameters: {
    flags: {
      passphraseFile,
      identityFile: {
        kind: "parsed",
        parse: String,
        brief: "File with the age identity that it was encrypted for",
        placeholder: "FILE",
        optional: true,
      },
      force: {
        kind: "boolean",
        brief: "Delete what the data folder holds",
        default: false,
        withNegated: false,
      },
      config,
      data,
      json,
    },
    positional: { kind: "tuple", parameters: [{ brief: "The backup", placeholder: "FILE", parse: String }] },
  },
  docs: {
    brief: "Put a backup in place, where nothing runs",
    fullDescription: toDescription(
      "Checks the whole file before anything is changed. The config is restored where its folder has no files.",
      [
        "agent restore nexo.tar.gz --data /var/lib/nexo",
        "agent restore nexo.tar.gz.age --identity-file key.txt --force",
      ],
      ["2 the file is damaged", "3 the wrong passphrase or identity", "5 the data folder is held, or not empty"],
    ),
  },
});
