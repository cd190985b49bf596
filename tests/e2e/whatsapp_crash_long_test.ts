import { testWhatsAppCrash } from "./whatsapp_crashes.ts";

for (const point of ["T2", "T3"] as const) {
  testWhatsAppCrash({ point, when: "after", nth: 1 });
  testWhatsAppCrash({ point, when: "before", nth: 2 });
}
