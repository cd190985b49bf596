import assert from "node:assert/strict";
import { viewerRoutes } from "../../src/http/viewer_routes.ts";
import { openHttpFixture } from "../http/http_fixture.ts";
import { repository } from "./pages.ts";

/** The browser's own: its pages, its files, and the ends of logins. */
const ofBrowsers = ["GET /", "GET /login", "GET /console/:file", "GET /mcp/login/:server"];

Deno.test("the page about the API names every route, and marks those of viewers", async () => {
  await using http = await openHttpFixture();
  const page = await Deno.readTextFile(new URL("docs/api.md", repository));
  const named = [...page.matchAll(/^\| (`(?:GET|POST|ALL) .*?) \|/gm)].flatMap(([, cell = ""]) =>
    [...cell.matchAll(/`([^`]+)`( ○)?/g)].map(([, route = "", mark]) => ({ route, isViewers: mark !== undefined }))
  );
  const bare = (route: string) => route.replace(/\{[^}]*\}/g, "");
  const sorted = (routes: readonly string[]) => routes.map(bare).toSorted();
  assert.deepEqual(
    sorted(named.map(({ route }) => route)),
    sorted(http.room.adminRoutes.filter((route) => !ofBrowsers.includes(route))),
  );
  assert.deepEqual(
    sorted(named.filter(({ isViewers }) => isViewers).map(({ route }) => route)),
    sorted(viewerRoutes),
  );
});
