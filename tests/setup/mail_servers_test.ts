import assert from "node:assert/strict";
import { findMailServers, type Network } from "../../src/setup/mail_servers.ts";

/** A network in which only this is there. */
function newNetwork(
  { mx = {}, srv = {}, listening = [] }: {
    readonly mx?: Readonly<Record<string, readonly string[]>>;
    readonly srv?: Readonly<Record<string, string>>;
    readonly listening?: readonly string[];
  },
): Network {
  return {
    mx: (domain) => Promise.resolve(mx[domain] ?? []),
    srv: (name) => {
      const [target = "", port] = srv[name]?.split(":") ?? [];
      return Promise.resolve(srv[name] === undefined ? [] : [{ target, port: Number(port) }]);
    },
    listens: (host, port) => Promise.resolve(listening.includes(`${host}:${port}`)),
  };
}

Deno.test("addresses of a known provider have its servers, whatever the network says", async () => {
  const providers = {
    "a@gmail.com": "gmail",
    "A@GoogleMail.com": "gmail",
    "a@hotmail.co.uk": "outlook",
    "a@yahoo.de": "yahoo",
    "a@me.com": "icloud",
  };
  for (const [address, preset] of Object.entries(providers)) {
    assert.deepEqual(await findMailServers(address, newNetwork({})), { preset });
  }
});

Deno.test("a domain whose mail a provider keeps has the provider's servers", async () => {
  const network = newNetwork({
    mx: { "firm.test": ["aspmx.l.google.com"], "shop.test": ["shop-test.mail.protection.outlook.com"] },
  });
  assert.deepEqual(await findMailServers("a@firm.test", network), { preset: "gmail" });
  assert.deepEqual(await findMailServers("a@shop.test", network), { preset: "outlook" });
  assert.equal(await findMailServers("a@evilgoogle.com.test", newNetwork({ mx: { x: [] } })), undefined);
});

Deno.test("a domain that says where its servers are is believed", async () => {
  const network = newNetwork({
    srv: { "_imaps._tcp.firm.test": "in.firm.test:993", "_submission._tcp.firm.test": "out.firm.test:587" },
  });
  assert.deepEqual(await findMailServers("a@firm.test", network), {
    imap: { host: "in.firm.test", port: 993, secure: true },
    smtp: { host: "out.firm.test", port: 587, secure: false },
  });
});

Deno.test("otherwise the usual names are tried, and half of the servers are none", async () => {
  const listening = ["mail.firm.test:993", "mail.firm.test:465"];
  assert.deepEqual(await findMailServers("a@firm.test", newNetwork({ listening })), {
    imap: { host: "mail.firm.test", port: 993, secure: true },
    smtp: { host: "mail.firm.test", port: 465, secure: true },
  });
  assert.equal(await findMailServers("a@firm.test", newNetwork({ listening: ["mail.firm.test:993"] })), undefined);
});
