import { fakeUsage } from "../fixtures/fake_llm.ts";
import { openFakeOpenai } from "../fixtures/fake_llm_openai.ts";
import { testProvider } from "./contract.ts";

testProvider({
  kind: "deepseek",
  open: openFakeOpenai,
  caches: { read: fakeUsage.cacheRead, write: 0 },
  images: false,
  textArguments: true,
});
