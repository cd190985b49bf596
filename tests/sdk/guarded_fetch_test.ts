import assert from "node:assert/strict";
import { guardedFetch } from "../../src/sdk/guarded_fetch.ts";
import { isPublicAddress } from "../../src/sdk/public_address.ts";
import { rejectsWith } from "../fixtures/rejects_with.ts";

function openSite(answer: (request: Request) => Response | Promise<Response>) {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, answer);
  const { port } = server.addr;
  return {
    url: `http://127.0.0.1:${port}`,
    place: `127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

Deno.test("addresses of this machine, of local networks and of clouds' metadata are not public", () => {
  const closed = [
    ...["127.0.0.1", "127.9.9.9", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254"],
    ...["100.64.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255", "198.18.0.1"],
    ...["::1", "::", "fe80::1", "fc00::1", "fd12:3456::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::7f00:1"],
    ...["2002:7f00:1::", "2001::1", "2001:db8::1", "ff02::1", "example.org", ""],
  ];
  assert.deepEqual(closed.filter(isPublicAddress), []);
  const open = [
    "8.8.8.8",
    "1.1.1.1",
    "172.15.0.1",
    "172.32.0.1",
    "100.128.0.1",
    "2606:4700:4700::1111",
    "2a00:1450::1",
  ];
  assert.deepEqual(open.filter((address) => !isPublicAddress(address)), []);
});

Deno.test("a page inside the own network is refused, however its address is written", async () => {
  await using site = openSite(() => new Response("secret"));
  const port = site.place.split(":")[1];
  for (const host of ["127.0.0.1", "localhost", "0x7f.1", "2130706433", "[::ffff:127.0.0.1]", "0", "127.1"]) {
    assert.match((await rejectsWith("denied", guardedFetch(`http://${host}:${port}/`))).message, /public network/);
  }
});

Deno.test("a redirect into the own network is refused", async () => {
  await using inner = openSite(() => new Response("secret"));
  await using outer = openSite(() => Response.redirect(`${inner.url}/x`));
  assert.match(
    (await rejectsWith("denied", guardedFetch(outer.url, { allowPrivate: [outer.place] }))).message,
    /public network/,
  );
});

Deno.test("a page that is allowed is fetched, and its redirects take no credentials elsewhere", async () => {
  const seen: (string | null)[] = [];
  await using other = openSite((request) => {
    seen.push(request.headers.get("authorization"), request.headers.get("x-kept"));
    return new Response("there", { headers: { "x-answer": "42" } });
  });
  await using site = openSite(() => Response.redirect(`${other.url}/there`));
  const response = await guardedFetch(site.url, {
    allowPrivate: [site.place, other.place],
    headers: { authorization: "Bearer x", "x-kept": "yes" },
  });
  assert.equal(new TextDecoder().decode(response.body), "there");
  assert.equal(response.url, `${other.url}/there`);
  assert.equal(response.headers["x-answer"], "42");
  assert.deepEqual(seen, [null, "yes"]);
});

Deno.test("only http and https are fetched, and no passwords in addresses", async () => {
  for (const address of ["file:///etc/passwd", "ftp://example.org/", "http://user:word@example.org/"]) {
    assert.match((await rejectsWith("denied", guardedFetch(address))).message, /not fetched/);
  }
  assert.match((await rejectsWith("invalid", guardedFetch("no address"))).message, /is no address/);
});

Deno.test("a page that is too large, too slow or endless in redirects is left", async () => {
  await using large = openSite(() => new Response("x".repeat(5_000)));
  assert.match(
    (await rejectsWith("invalid", guardedFetch(large.url, { allowPrivate: [large.place], maxBytes: 4_000 }))).message,
    /4000 bytes/,
  );
  const { promise: never, resolve: release } = Promise.withResolvers<Response>();
  await using slow = openSite(() => never);
  assert.match(
    (await rejectsWith("timeout", guardedFetch(slow.url, { allowPrivate: [slow.place], timeoutMs: 50 }))).message,
    /50 ms/,
  );
  release(new Response());
  await using endless = openSite((request) => Response.redirect(request.url));
  assert.match(
    (await rejectsWith("invalid", guardedFetch(endless.url, { allowPrivate: [endless.place] }))).message,
    /5 redirects/,
  );
});
