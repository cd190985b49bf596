import { testWhatsAppCrash } from "./whatsapp_crashes.ts";

// As with mail: what is WhatsApp's own.
for (const point of ["T1", "T4", "T5"] as const) {
  testWhatsAppCrash({ point, when: "after", nth: 1 });
  testWhatsAppCrash({ point, when: "before", nth: 2 });
}
