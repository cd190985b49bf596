import { syncBuiltinESMExports } from "node:module";
import os from "node:os";

// The logger that ImapFlow brings asks for the machine's name when it is loaded. We use neither, and the name is none
// of this worker's business: it has no permission to ask for it. Imported before ImapFlow.
Object.defineProperty(os, "hostname", { value: () => "localhost" });
syncBuiltinESMExports();
