import { useState } from "preact/hooks";
import type { LoginView, Me, TokenCreated, TokenView } from "../../src/http/tokens_api.ts";
import { get, goToLogin, post } from "../api.ts";
import { Confirm, Empty, Failure, Head, Loading, type Question, useLoaded, When } from "../ui.tsx";
import { count } from "../words.ts";

const lives = [["1 day", 1], ["7 days", 7], ["30 days", 30], ["90 days", 90], ["1 year", 365]] as const;
const dayMs = 86_400_000;

/** Who may use the console and the API, and which browsers are logged in. */
export function AccessPage({ me }: { readonly me: Me }) {
  const tokens = useLoaded((signal) => get<{ items: readonly TokenView[] }>("/api/tokens", {}, signal), []);
  const logins = useLoaded((signal) => get<{ items: readonly LoginView[] }>("/api/logins", {}, signal), []);
  const reload = () => {
    tokens.reload();
    logins.reload();
  };
  return (
    <>
      <Head title="Access" />
      <p class="soft">
        An operator may do everything, a viewer see everything but what lets one act. The root token, in admin.token of
        the data folder, is an operator's and does not expire.
      </p>
      {me.role === "operator" && <NewToken onMade={reload} />}
      <section>
        <h2>Tokens</h2>
        <Loading of={tokens.loaded}>{({ items }) => <Tokens tokens={items} onEnded={reload} />}</Loading>
      </section>
      <Loading of={logins.loaded}>{({ items }) => <Logins logins={items} onEnded={reload} />}</Loading>
    </>
  );
}

function NewToken({ onMade }: { onMade(): void }) {
  const [name, setName] = useState("");
  const [role, setRole] = useState("viewer");
  const [days, setDays] = useState(30);
  const [token, setToken] = useState("");
  const [made, setMade] = useState<TokenCreated>();
  const [failure, setFailure] = useState<unknown>();
  const make = async (event: Event) => {
    event.preventDefault();
    setFailure(undefined);
    setMade(undefined);
    try {
      const request = { name: name.trim(), role, expiresInMs: days * dayMs, token };
      setMade(await post<TokenCreated>("/api/tokens", request));
      setName("");
      onMade();
    } catch (error) {
      setFailure(error);
    }
    setToken("");
  };
  return (
    <section class="card">
      <h2>A token for somebody</h2>
      <form class="new-token" onSubmit={(event) => void make(event)}>
        <label>
          Name
          <input
            required
            maxLength={60}
            autocomplete="off"
            placeholder="eva"
            value={name}
            onInput={({ currentTarget }) => setName(currentTarget.value)}
          />
        </label>
        <label>
          Role
          <select value={role} onChange={({ currentTarget }) => setRole(currentTarget.value)}>
            <option value="viewer">viewer: sees</option>
            <option value="operator">operator: does everything</option>
          </select>
        </label>
        <label>
          Expires in
          <select value={days} onChange={({ currentTarget }) => setDays(Number(currentTarget.value))}>
            {lives.map(([title, value]) => <option key={value} value={value}>{title}</option>)}
          </select>
        </label>
        <label>
          Your token once more
          <input
            type="password"
            required
            autocomplete="off"
            value={token}
            onInput={({ currentTarget }) => setToken(currentTarget.value.trim())}
          />
        </label>
        <button type="submit" class="primary">Make it</button>
      </form>
      {failure !== undefined && <Failure error={failure} />}
      {made !== undefined && <Made made={made} />}
    </section>
  );
}

function Made({ made }: { readonly made: TokenCreated }) {
  const [copied, setCopied] = useState("");
  const copy = () =>
    navigator.clipboard.writeText(made.text).then(
      () => setCopied("Copied."),
      () => setCopied("The browser does not let this page copy. Mark the token and copy it."),
    );
  return (
    <div class="notice" role="status">
      <p>The token of {made.name}. It is shown this once: give it to {made.name} alone.</p>
      <p class="made-token">
        <code>{made.text}</code> <button type="button" onClick={() => void copy()}>Copy</button> {copied}
      </p>
    </div>
  );
}

function Tokens({ tokens, onEnded }: { readonly tokens: readonly TokenView[]; onEnded(): void }) {
  const [asked, setAsked] = useState<TokenView>();
  const [failure, setFailure] = useState<unknown>();
  const revoke = async ({ id }: TokenView) => {
    setFailure(undefined);
    try {
      await post(`/api/tokens/${id}/revoke`, {});
    } catch (error) {
      setFailure(error);
    }
    onEnded();
  };
  const question: Question | undefined = asked && {
    title: `Revoke the token of ${asked.name}?`,
    text: `It ends at once and for good, with every browser that is logged in with it.`,
    action: "Revoke",
    dangerous: true,
  };
  if (tokens.length === 0) {
    return (
      <Empty title="There is only the root token.">
        <p>
          Make one for each person and program, so that the audit says who did what. On the command line:{" "}
          <code>agent token create eva --role viewer --expires 30d</code>
        </p>
      </Empty>
    );
  }
  return (
    <>
      {failure !== undefined && <Failure error={failure} />}
      <div class="list">
        {tokens.map((token) => (
          <div class="row token" key={token.id}>
            <span>
              <strong>{token.name}</strong> <span class="soft">{token.role}</span>
            </span>
            <span class="soft">
              {token.state === "live" ? "until " : `${token.state}, was until `}
              <When at={token.expiresAt} />,{" "}
              {token.lastUsedAt === null ? "never used" : ["used ", <When at={token.lastUsedAt} />]}
              , made by {token.createdBy}
            </span>
            {token.state === "live" && (
              <button type="button" class="danger" onClick={() => setAsked(token)}>Revoke</button>
            )}
          </div>
        ))}
      </div>
      <Confirm
        question={question}
        onAnswer={(agreed) => {
          setAsked(undefined);
          if (agreed && asked !== undefined) void revoke(asked);
        }}
      />
    </>
  );
}

function Logins({ logins, onEnded }: { readonly logins: readonly LoginView[]; onEnded(): void }) {
  const [asks, setAsks] = useState(false);
  const [failure, setFailure] = useState<unknown>();
  const end = async (body: { readonly id?: number }) => {
    setFailure(undefined);
    try {
      await post("/api/logins/end", body);
      if (body.id === undefined) return goToLogin();
    } catch (error) {
      setFailure(error);
    }
    onEnded();
  };
  return (
    <section>
      <header class="head sessions-head">
        <h2>Open sessions</h2>
        <button type="button" class="danger" onClick={() => setAsks(true)}>Log out everywhere</button>
      </header>
      {failure !== undefined && <Failure error={failure} />}
      <div class="list">
        {logins.map((login) => (
          <div class="row token" key={login.id}>
            <span>
              <strong>{login.name}</strong> <span class="soft">{login.role}</span>
            </span>
            <span class="soft">
              since <When at={login.loggedInAt} />, last seen <When at={login.lastSeenAt} />
            </span>
            {login.current
              ? <span class="soft">this browser</span>
              : <button type="button" class="danger" onClick={() => void end({ id: login.id })}>Log out</button>}
          </div>
        ))}
      </div>
      <Confirm
        question={asks
          ? {
            title: "Log out everywhere?",
            text: `This ends ${
              count(logins.length, "session")
            }, this one too. Tokens go on: whoever has one can log in again.`,
            action: "Log out everywhere",
            dangerous: true,
          }
          : undefined}
        onAnswer={(agreed) => {
          setAsks(false);
          if (agreed) void end({});
        }}
      />
    </section>
  );
}
