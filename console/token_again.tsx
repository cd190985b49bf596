import { useState } from "preact/hooks";

/** Asks for the token once more, before something that this machine then runs. */
export function TokenAgain({ why, action, onToken }: {
  /** A sentence: what makes it needed. */
  readonly why: string;
  /** What the button says. */
  readonly action: string;
  onToken(token: string): void;
}) {
  const [token, setToken] = useState("");
  return (
    <form
      class="search token-again"
      onSubmit={(event) => {
        event.preventDefault();
        onToken(token);
      }}
    >
      <label>
        {why} The token once more:{" "}
        <input
          type="password"
          autocomplete="off"
          required
          value={token}
          onInput={({ currentTarget }) => setToken(currentTarget.value.trim())}
        />
      </label>
      <button type="submit" class="primary">{action}</button>
    </form>
  );
}
