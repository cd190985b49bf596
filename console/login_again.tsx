import { useEffect, useRef, useState } from "preact/hooks";
import type { Me } from "../src/http/tokens_api.ts";
import { get, goToLogin, isLoggedIn, loginOver, messageOf, post } from "./api.ts";

/**
 * Asks for the token when the login is over, in front of the page: what was typed there stays, and what was asked
 * meanwhile goes on. A login in another tab does as well.
 */
export function LoginAgain({ me }: { readonly me: Me }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const waiting = useRef<(() => void)[]>([]);
  const [isOver, setIsOver] = useState(false);
  const [refusal, setRefusal] = useState("");
  const goOn = async () => {
    const { name, role } = await get<Me>("/api/me");
    // The page of somebody else may show other things.
    if (name !== me.name || role !== me.role) return location.reload();
    setIsOver(false);
    setRefusal("");
    for (const resolve of waiting.current.splice(0)) resolve();
  };
  useEffect(() => {
    const onOver = (event: Event) => {
      if (!(event instanceof CustomEvent)) return;
      event.preventDefault();
      waiting.current.push(event.detail);
      setIsOver(true);
    };
    addEventListener(loginOver, onOver);
    return () => removeEventListener(loginOver, onOver);
  }, []);
  useEffect(() => {
    if (!isOver) return;
    dialog.current?.showModal();
    const look = async () => {
      if (!document.hidden && await isLoggedIn()) await goOn();
    };
    const onLook = () => void look();
    addEventListener("focus", onLook);
    document.addEventListener("visibilitychange", onLook);
    return () => {
      removeEventListener("focus", onLook);
      document.removeEventListener("visibilitychange", onLook);
    };
  }, [isOver]);
  const logIn = async (form: HTMLFormElement) => {
    const token = new FormData(form).get("token");
    try {
      await post("/api/login", { token: String(token).trim() });
      await goOn();
    } catch (error) {
      setRefusal(messageOf(error));
    }
  };
  if (!isOver) return null;
  return (
    <dialog
      ref={dialog}
      class="card covering"
      aria-labelledby="login-again"
      onCancel={(event) => event.preventDefault()}
      onClose={({ currentTarget }) => currentTarget.showModal()}
    >
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void logIn(event.currentTarget);
        }}
      >
        <h2 id="login-again">Log in again</h2>
        <p>
          The process has started anew, or this login has ended. Nothing that you typed is lost: the page goes on where
          it was.
        </p>
        <label>
          Token, from <code>admin.token</code> in the data folder or your own
          <input name="token" type="password" autocomplete="current-password" spellcheck={false} required autofocus />
        </label>
        <p class="bad" role="alert">{refusal}</p>
        <div class="actions">
          <button type="button" onClick={goToLogin}>Leave the page</button>
          <button type="submit" class="go">Log in</button>
        </div>
      </form>
    </dialog>
  );
}
