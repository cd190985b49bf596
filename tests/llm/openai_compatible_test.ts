import { openFakeOpenai } from "../fixtures/fake_llm_openai.ts";
import { testProvider } from "./contract.ts";
import { fakeUsage } from "../fixtures/fake_llm.ts";

testProvider({
  kind: "openai_compatible",
  open: openFakeOpenai,
  caches: { read: fakeUsage.cacheRead, write: 0 },
  images: true,
  textArguments: true,
});
