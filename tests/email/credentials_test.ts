import assert from "node:assert/strict";
import { emailConfigSchema } from "../../plugins/email/config.ts";
import { type Credentials, newCredentials } from "../../plugins/email/credentials.ts";
import { rejectsWith } from "../fixtures/rejects_with.ts";

interface TokenRoom extends AsyncDisposable {
  readonly credentials: Credentials;
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
  const credentials = await newCredentials({ config, secret: (name) => Promise.resolve(secrets.get(name) ?? "") });
  return { credentials, forms, [Symbol.asyncDispose]: () => server.shutdown() };
}

Deno.test("those who need an access token at the same time share one request, and its token until it ends", async () => {
  await using tokens = await openTokens((count) => Response.json({ access_token: `t${count}`, expires_in: 3_600 }));
  const logins = await Promise.all(Array.from({ length: 5 }, () => tokens.credentials.login()));
  assert.deepEqual(new Set(logins.map((login) => JSON.stringify(login))), new Set(['{"accessToken":"t1"}']));
  await tokens.credentials.login();
  assert.deepEqual(tokens.forms, ["grant_type=refresh_token&client_id=us&refresh_token=r1&client_secret=s1"]);
});

Deno.test("a token that has ended, or that the server refused, is replaced", async () => {
  await using tokens = await openTokens((count) =>
    Response.json({ access_token: `t${count}`, expires_in: count === 1 ? 1 : 3_600 })
  );
  await tokens.credentials.login();
  assert.deepEqual(await tokens.credentials.login(), { accessToken: "t2" });
  tokens.credentials.refused();
  assert.deepEqual(await tokens.credentials.login(), { accessToken: "t3" });
});

Deno.test("a refresh token that is refused is told with its remedy, and without secrets", async () => {
  await using tokens = await openTokens(() => Response.json({ error: "invalid_grant" }, { status: 400 }));
  const error = await rejectsWith("unavailable", tokens.credentials.login());
  assert.match(error.message, /400 invalid_grant\. Give the account a new refresh_token/);
  assert.doesNotMatch(error.message, /r1|s1/);
});
