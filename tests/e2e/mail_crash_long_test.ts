import { testMailCrash, testMailToolCrash } from "./mail_crashes.ts";

for (const point of ["T1", "T2", "T3", "T4", "T5"] as const) testMailCrash({ point, when: "after", nth: 3 });

for (const point of ["T2", "T3"] as const) {
  testMailCrash({ point, when: "after", nth: 1 });
  testMailCrash({ point, when: "before", nth: 2 });
  testMailToolCrash({ point, when: "after", nth: 1 });
  testMailToolCrash({ point, when: "before", nth: 1 });
}
