import { testMailCrash, testMailToolCrash } from "./mail_crashes.ts";

// What is mail's own: how far it has read, and what has gone out. What the journal holds is the same for every channel, so
// that these are quick tests with one of them only; the others are long ones.
for (const point of ["T1", "T4", "T5"] as const) {
  testMailCrash({ point, when: "after", nth: 1 });
  testMailCrash({ point, when: "before", nth: 2 });
}

for (const point of ["T4", "T5"] as const) {
  testMailToolCrash({ point, when: "after", nth: 1 });
  testMailToolCrash({ point, when: "before", nth: 1 });
}
