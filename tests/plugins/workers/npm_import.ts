import { scope } from "./scope.ts";

const name = ["npm:", "is-thirteen"].join("");
import(name).then(
  () => scope.postMessage("loaded"),
  (thrown) => scope.postMessage(`refused: ${thrown.message}`),
);
