import { fakeUsage } from "../fixtures/fake_llm.ts";
import { openFakeGemini } from "../fixtures/fake_llm_gemini.ts";
import { testProvider } from "./contract.ts";

testProvider({
  kind: "gemini",
  open: openFakeGemini,
  caches: { read: fakeUsage.cacheRead, write: 0 },
  images: true,
  textArguments: false,
});
