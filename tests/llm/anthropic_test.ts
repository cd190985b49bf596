import { fakeUsage } from "../fixtures/fake_llm.ts";
import { openFakeAnthropic } from "../fixtures/fake_llm_anthropic.ts";
import { testProvider } from "./contract.ts";

testProvider({
  kind: "anthropic",
  open: openFakeAnthropic,
  caches: { read: fakeUsage.cacheRead, write: fakeUsage.cacheWrite },
  images: true,
  textArguments: true,
});
