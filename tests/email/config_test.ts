import assert from "node:assert/strict";
import { type EmailConfig, emailConfigSchema, toImapServer, toSmtpServer } from "../../plugins/email/config.ts";
import { email } from "../../plugins/email/plugin.ts";

const oauth2 = { client_id: "c", refresh_token: "r", token_url: "https://oauth2.googleapis.com/token" };

Deno.test("a preset names the servers, and what is written beside it counts more", () => {
  const config = emailConfigSchema.parse({
    address: "Ana@Gmail.com",
    preset: "gmail",
    password: "p",
    smtp: { host: "smtp.a.test" },
  });
  assert.deepEqual(toImapServer(config), { host: "imap.gmail.com", port: 993, secure: true, user: "ana@gmail.com" });
  assert.deepEqual(toSmtpServer(config), { host: "smtp.a.test", port: 587, secure: false, user: "ana@gmail.com" });
});

Deno.test("an account needs servers and one way to log in", () => {
  const faults = (config: object) =>
    emailConfigSchema.safeParse(config).error?.issues.map(({ path, message }) => `${path.join(".")} ${message}`) ?? [];
  const address = "ana@a.test";
  assert.deepEqual(faults({ address, password: "p" }), [
    "imap is missing: name the server, or a preset",
    "smtp is missing: name the server, or a preset",
  ]);
  assert.deepEqual(faults({ address, preset: "yahoo" }), ["password or oauth2: give one of the two"]);
  assert.deepEqual(faults({ address, preset: "yahoo", password: "p", oauth2 }), [
    "password or oauth2: give one of the two",
  ]);
  assert.deepEqual(faults({ address: "ana@a.test\r\nBcc: x@y", preset: "yahoo", password: "p" }), [
    "address must be a mail address",
  ]);
});

Deno.test("a worker may reach its servers and the token's, and read its folder and the authority's file", () => {
  const permissions = (config: EmailConfig) => email.permissions(config, "/state");
  assert.deepEqual(permissions(emailConfigSchema.parse({ address: "ana@a.test", preset: "gmail", oauth2 })), {
    net: ["imap.gmail.com:993", "smtp.gmail.com:465", "oauth2.googleapis.com:443"],
    read: ["/state"],
    write: ["/state"],
    env: ["NODE_V8_COVERAGE"],
  });
  const own = { host: "mail.a.test" };
  const config = { address: "ana@a.test", imap: own, smtp: own, password: "p", tls_ca_file: "/ca.pem" };
  assert.deepEqual(permissions(emailConfigSchema.parse(config)), {
    net: ["mail.a.test:993", "mail.a.test:587"],
    read: ["/state", "/ca.pem"],
    write: ["/state"],
    env: ["NODE_V8_COVERAGE"],
  });
});

Deno.test("the config takes what it gave out, written as JSON", () => {
  const config = emailConfigSchema.parse({ address: "ana@a.test", preset: "gmail", oauth2 });
  const written = JSON.parse(JSON.stringify(config));
  assert.deepEqual(JSON.parse(JSON.stringify(emailConfigSchema.parse(written))), written);
});
