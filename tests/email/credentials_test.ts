import assert from "node:assert/strict";
import { emailConfigSchema } from "../../plugins/email/config.ts";
import { type Credentials, newCredentials } from "../../plugins/email/credentials.ts";
import { rejectsWith } from "../fixtures/rejects_with.ts";

interface TokenRoom extends AsyncDisposable {
  readonly credentials: Credentials;
  readonly stateDir: string;
  /** The same account after a restart, with this token in its config. */
  reopen(refreshToken: string): Promise<Credentials>;
  /** Forms that the server got. */
  readonly forms: readonly string[];
}

/** Credentials over a token server that answers with `answer`. */
async function openTokens(answer: (count: number) => Response): Promise<TokenRoom> {
  const forms: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    forms.push(await request.text());
    return answer(forms.length);
  });
  const config = emailConfigSchema.parse({
    address: "ana@gmail.test",
    preset: "gmail",
    oauth2: {
      client_id: "us",
      client_secret: "s1",
      refresh_token: "r1",
      token_url: `http://127.0.0.1:${server.addr.port}/token`,
    },
  });
  const secrets = new Map([["oauth2.refresh_token", "r1"], ["oauth2.client_secret", "s1"]]);
  const secret = (name: string) => Promise.resolve(secrets.get(name) ?? "");
  const stateDir = await Deno.makeTempDir({ prefix: "nexo-tokens-" });
  return {
    credentials: await newCredentials({ config, secret, stateDir }),
    stateDir,
    reopen(refreshToken) {
      secrets.set("oauth2.refresh_token", refreshToken);
      return newCredentials({ config, secret, stateDir });
    },
    forms,
    async [Symbol.asyncDispose]() {
      await server.shutdown();
      await Deno.remove(stateDir, { recursive: true });
    },
  };
}

Deno.test("those who need an access token at the same time share one request, and its token until it ends", async () => {
  await using tokens = await openTokens((count) => Response.json({ access_token: `t${count}`, expires_in: 3_600 }));
  const logins = await Promise.all(Array.from({ length: 5 }, () => tokens.credentials.login()));
  assert.deepEqual(
    new Set(logins.map((login) => JSON.stringify(login))),
    new Set(['{"accessToken":"t1","isNew":true}']),
  );
  await tokens.credentials.login();
  assert.deepEqual(tokens.forms, ["grant_type=refresh_token&client_id=us&client_secret=s1&refresh_token=r1"]);
});

Deno.test("a token that has ended, or that the server refused, is replaced", async () => {
  await using tokens = await openTokens((count) =>
    Response.json({ access_token: `t${count}`, expires_in: count === 1 ? 1 : 3_600 })
  );
  await tokens.credentials.login();
  assert.deepEqual(await tokens.credentials.login(), { accessToken: "t2", isNew: true });
  tokens.credentials.refused();
  assert.deepEqual(await tokens.credentials.login(), { accessToken: "t3", isNew: true });
});

Deno.test("a refresh token that is refused is told with its remedy, and without secrets", async () => {
  await using tokens = await openTokens(() => Response.json({ error: "invalid_grant" }, { status: 400 }));
  const error = await rejectsWith("unavailable", tokens.credentials.login());
  assert.match(error.message, /400 invalid_grant\. Give the account a new refresh_token/);
  assert.doesNotMatch(error.message, /r1|s1/);
});

Deno.test("a refresh token that the provider replaces is kept, until the operator gives another one", async () => {
  await using tokens = await openTokens((count) =>
    Response.json({ access_token: `t${count}`, refresh_token: `rotated${count}`, expires_in: 1 })
  );
  const asked = () => new URLSearchParams(tokens.forms.at(-1)).get("refresh_token");
  await tokens.credentials.login();
  await tokens.credentials.login();
  assert.equal(asked(), "rotated1");
  const files = await Array.fromAsync(Deno.readDir(tokens.stateDir), ({ name }) => name);
  assert.deepEqual(files, ["refresh_token.json"]);
  const { mode } = await Deno.stat(`${tokens.stateDir}/refresh_token.json`);
  assert.equal((mode ?? 0) & 0o777, 0o600);
  await (await tokens.reopen("r1")).login();
  assert.equal(asked(), "rotated2");
  await (await tokens.reopen("r2")).login();
  assert.equal(asked(), "r2");
});
