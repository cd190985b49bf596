import { type ExtensionCall, serveExtension } from "nexo";
import { readField, readList, readText } from "./answer.ts";

const api = Deno.env.get("GITHUB_API_URL") ?? "https://api.github.com";
const token = Deno.env.get("GITHUB_TOKEN");

const repo = { type: "string", maxLength: 200, description: "owner/name" };
const number = { type: "integer", minimum: 1 };
const state = { enum: ["open", "closed", "all"], default: "open" };
const limit = { type: "integer", minimum: 1, maximum: 50, default: 20 };

interface ListInput {
  readonly repo: string;
  readonly state?: string;
  readonly limit?: number;
}
interface PullInput {
  readonly repo: string;
  readonly number: number;
}

await serveExtension({
  tools: {
    pr_list: {
      description: "Lists pull requests of a repository, newest first.",
      input_schema: toSchema({ repo, state, limit }, ["repo"]),
      async run(input: ListInput, call) {
        const pulls = await ask(`${toRepo(input.repo)}/pulls?${toQuery(input)}`, call);
        return { pull_requests: readList(pulls).map(toSummary) };
      },
    },
    pr_view: {
      description: "Shows one pull request with its text.",
      input_schema: toSchema({ repo, number }, ["repo", "number"]),
      async run(input: PullInput, call) {
        const pull = await ask(`${toRepo(input.repo)}/pulls/${input.number}`, call);
        return {
          ...toSummary(pull),
          body: String(readField(pull, "body") ?? "").slice(0, 10_000),
          base: readField(pull, "base", "ref"),
          head: readField(pull, "head", "ref"),
          merged: readField(pull, "merged"),
          changed_files: readField(pull, "changed_files"),
          additions: readField(pull, "additions"),
          deletions: readField(pull, "deletions"),
        };
      },
    },
    pr_checks: {
      description: "Tells how the checks of a pull request stand.",
      input_schema: toSchema({ repo, number }, ["repo", "number"]),
      async run(input: PullInput, call) {
        const path = toRepo(input.repo);
        const commit = readText(await ask(`${path}/pulls/${input.number}`, call), "head", "sha");
        const runs = readList(await ask(`${path}/commits/${commit}/check-runs`, call), "check_runs");
        return {
          commit,
          checks: runs.map((run) => ({
            name: readField(run, "name"),
            status: readField(run, "status"),
            conclusion: readField(run, "conclusion"),
          })),
        };
      },
    },
    issue_list: {
      description: "Lists issues of a repository, newest first.",
      input_schema: toSchema({ repo, state, limit }, ["repo"]),
      async run(input: ListInput, call) {
        const issues = await ask(`${toRepo(input.repo)}/issues?${toQuery(input)}`, call);
        // GitHub counts pull requests among the issues.
        return { issues: readList(issues).filter((issue) => !readField(issue, "pull_request")).map(toSummary) };
      },
    },
  },
});

function toSchema(properties: Record<string, unknown>, required: readonly string[]) {
  return { type: "object", properties, required, additionalProperties: false };
}

function toRepo(name: string): string {
  if (!/^[\w.-]+\/[\w.-]+$/.test(name)) throw new Error(`"${name}" is no repository: write owner/name`);
  return `/repos/${name}`;
}

function toQuery({ state = "open", limit = 20 }: ListInput): string {
  return new URLSearchParams({ state, per_page: String(limit) }).toString();
}

function toSummary(entry: unknown) {
  return {
    number: readField(entry, "number"),
    title: readField(entry, "title"),
    state: readField(entry, "state"),
    author: readField(entry, "user", "login"),
    created: readField(entry, "created_at"),
    url: readField(entry, "html_url"),
  };
}

async function ask(path: string, { signal }: ExtensionCall): Promise<unknown> {
  const response = await fetch(`${api}${path}`, {
    signal,
    headers: {
      accept: "application/vnd.github+json",
      "x-github-api-version": "2022-11-28",
      "user-agent": "nexo",
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
  });
  if (response.ok) return await response.json();
  const refusal: unknown = await response.json().catch(() => undefined);
  if (response.status === 404) throw new Error("GitHub has no such repository or number, or the token may not see it");
  if (response.status === 401) throw new Error("GitHub does not take the token. Set GITHUB_TOKEN anew");
  throw new Error(`GitHub answered ${response.status}: ${String(readField(refusal, "message") ?? "").slice(0, 200)}`);
}
