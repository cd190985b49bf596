import { messageOf, post } from "./api.ts";

const form = document.querySelector("form");
const token = document.querySelector("input");
const message = document.querySelector("[role=alert]");

function say(text: string): void {
  if (message !== null) message.textContent = text;
}

if (location.hash === "#used") {
  say("This link was used before, or is older than 15 minutes. Log in with the token instead.");
}

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  say("");
  try {
    await post("/api/login", { token: token?.value.trim() });
    // Whoever was sent here goes back to where they were.
    location.replace(location.hash.startsWith("#/") ? `/${location.hash}` : "/");
  } catch (error) {
    say(messageOf(error));
    token?.select();
  }
});
