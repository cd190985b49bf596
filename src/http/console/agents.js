import { get } from "./api.js";
import { empty, h, head } from "./dom.js";

/** Agents, and the models that could answer. */
export async function openAgents(main) {
  const { agents, models } = await get("/api/status");
  main.replaceChildren(
    head("Agents", h("span", { class: "soft" }, count(agents.length))),
    agents.length === 0
      ? empty("No agents yet.", "Add one to config/agents.yaml; it answers as soon as the file is saved.")
      : h("div", { class: "cards" }, ...agents.map(agentCard)),
    h("h2", {}, "Models"),
    h("div", { class: "list" }, ...models.map(modelRow)),
  );
}

function count(agents) {
  return agents === 1 ? "1 agent" : `${agents} agents`;
}

function agentCard(agent) {
  return h(
    "article",
    { class: "card agent" },
    h("h3", {}, agent.id),
    h("p", { class: "soft" }, agent.description || "No description."),
    h(
      "dl",
      {},
      h("dt", {}, "Model"),
      h("dd", { class: "model" }, agent.model),
      h("dt", {}, "Tools"),
      h("dd", {}, String(agent.tools)),
      h("dt", {}, "Hears"),
      h("dd", {}, agent.hears.join(", ") || "nothing yet"),
    ),
    h("a", { class: "button primary", href: `#/chat/${encodeURIComponent(agent.id)}` }, "Chat"),
  );
}

function modelRow(model) {
  return h(
    "div",
    { class: "row model-row" },
    h("span", { class: "mono" }, `${model.provider}/${model.model}`),
    model.configured
      ? h("span", { class: "pill good" }, "● ready")
      : h("span", { class: "soft" }, model.missing ?? "not configured"),
  );
}
