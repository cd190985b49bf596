import { logIn } from "./api.js";

const form = document.getElementById("form");
const token = document.getElementById("token");
const message = document.getElementById("message");

if (location.hash === "#used") {
  message.textContent = "This link was used before, or is older than 15 minutes. Log in with the token instead.";
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  message.textContent = "";
  try {
    await logIn(token.value.trim());
    location.replace("/");
  } catch (error) {
    message.textContent = error.message;
    token.select();
  }
});
