import { type ExtensionCall, serveExtension } from "nexo";

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
        return { pull_requests: pulls.map(toSummary) };
      },
    },
    pr_view: {
      description: "Shows one pull request with its text.",
      input_schema: toSchema({ repo, number }, ["repo", "number"]),
      async run(input: PullInput, call) {
        const pull = await ask(`${toRepo(input.repo)}/pulls/${input.number}`, call);
        return {
          ...toSummary(pull),
          body: String(pull.body ?? "").slice(0, 10_000),
          base: pull.base.ref,
          head: pull.head.ref,
          merged: pull.merged,
          changed_files: pull.changed_files,
          additions: pull.additions,
          deletions: pull.deletions,
        };
      },
    },
    pr_checks: {
      description: "Tells how the checks of a pull request stand.",
      input_schema: toSchema({ repo, number }, ["repo", "number"]),
      async run(input: PullInput, call) {
        const path = toRepo(input.repo);
        const { head } = await ask(`${path}/pulls/${input.number}`, call);
        const { check_runs } = await ask(`${path}/commits/${head.sha}/check-runs`, call);
        return {
          commit: head.sha,
          checks: check_runs.map((run: Record<string, unknown>) => ({
            name: run["name"],
            status: run["status"],
            conclusion: run["conclusion"],
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
        return { issues: issues.filter((issue: { pull_request?: unknown }) => !issue.pull_request).map(toSummary) };
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

// deno-lint-ignore no-explicit-any -- an entry of one well-known service
function toSummary(entry: any) {
  return {
    number: entry.number,
    title: entry.title,
    state: entry.state,
    author: entry.user?.login,
    created: entry.created_at,
    url: entry.html_url,
  };
}

// deno-lint-ignore no-explicit-any -- answers of one well-known service
async function ask(path: string, { signal }: ExtensionCall): Promise<any> {
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
  const { message = "" } = await response.json().catch(() => ({}));
  if (response.status === 404) throw new Error("GitHub has no such repository or number, or the token may not see it");
  if (response.status === 401) throw new Error("GitHub does not take the token. Set GITHUB_TOKEN anew");
  throw new Error(`GitHub answered ${response.status}: ${String(message).slice(0, 200)}`);
}
