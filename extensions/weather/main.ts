import { type ExtensionCall, serveExtension } from "nexo";
import { readField, readList, readNumber } from "./answer.ts";

interface Place {
  /** With its country, where it is known. */
  readonly label: string;
  readonly latitude: number;
  readonly longitude: number;
}

const own = Deno.env.get("OPEN_METEO_URL");
const geocoding = own ?? "https://geocoding-api.open-meteo.com";
const weather = own ?? "https://api.open-meteo.com";

const place = { type: "string", minLength: 1, maxLength: 200, description: "A city or village" };

await serveExtension({
  tools: {
    current: {
      description: "Tells the weather at a place now.",
      input_schema: { type: "object", properties: { place }, required: ["place"], additionalProperties: false },
      async run(input: { place: string }, call) {
        const found = await findPlace(input.place, call);
        const fields =
          "temperature_2m,apparent_temperature,relative_humidity_2m,precipitation,wind_speed_10m,weather_code";
        const answer = await ask(weather, "/v1/forecast", { ...toPosition(found), current: fields }, call);
        return {
          place: found.label,
          at: readField(answer, "current", "time"),
          weather: toWords(readNumber(answer, "current", "weather_code")),
          temperature_celsius: readNumber(answer, "current", "temperature_2m"),
          feels_like_celsius: readNumber(answer, "current", "apparent_temperature"),
          humidity_percent: readNumber(answer, "current", "relative_humidity_2m"),
          precipitation_mm: readNumber(answer, "current", "precipitation"),
          wind_kmh: readNumber(answer, "current", "wind_speed_10m"),
        };
      },
    },
    forecast: {
      description: "Tells the weather at a place day by day.",
      input_schema: {
        type: "object",
        properties: { place, days: { type: "integer", minimum: 1, maximum: 14, default: 3 } },
        required: ["place"],
        additionalProperties: false,
      },
      async run({ place, days = 3 }: { place: string; days?: number }, call) {
        const found = await findPlace(place, call);
        const daily = "weather_code,temperature_2m_max,temperature_2m_min,precipitation_sum";
        const query = { ...toPosition(found), daily, forecast_days: String(days), timezone: "auto" };
        const answer = await ask(weather, "/v1/forecast", query, call);
        return {
          place: found.label,
          days: readList(answer, "daily", "time").map((day, index) => {
            const of = (field: string) => readNumber(answer, "daily", field, String(index));
            return {
              day,
              weather: toWords(of("weather_code")),
              highest_celsius: of("temperature_2m_max"),
              lowest_celsius: of("temperature_2m_min"),
              precipitation_mm: of("precipitation_sum"),
            };
          }),
        };
      },
    },
  },
});

async function findPlace(name: string, call: ExtensionCall): Promise<Place> {
  const answer = await ask(geocoding, "/v1/search", { name, count: "1" }, call);
  const [found] = readList(answer, "results");
  const latitude = readNumber(found, "latitude");
  const longitude = readNumber(found, "longitude");
  if (latitude === undefined || longitude === undefined) throw new Error(`There is no place called ${name}`);
  const label = [readField(found, "name") ?? name, readField(found, "country")].filter((part) => part !== undefined);
  return { label: label.join(", "), latitude, longitude };
}

function toPosition({ latitude, longitude }: Place): Record<string, string> {
  return { latitude: String(latitude), longitude: String(longitude) };
}

async function ask(
  base: string,
  path: string,
  query: Record<string, string>,
  { signal }: ExtensionCall,
): Promise<unknown> {
  const response = await fetch(`${base}${path}?${new URLSearchParams(query)}`, { signal });
  if (!response.ok) throw new Error(`Open-Meteo answered ${response.status}: ${(await response.text()).slice(0, 200)}`);
  return await response.json();
}

/** WMO code table 4677, as Open-Meteo uses it. */
function toWords(code: number | undefined): string {
  if (code === undefined) return "unknown";
  if (code === 0) return "clear";
  if (code <= 3) return ["", "mainly clear", "partly cloudy", "overcast"][code] ?? "cloudy";
  if (code <= 48) return "fog";
  if (code <= 57) return "drizzle";
  if (code <= 67) return "rain";
  if (code <= 77) return "snow";
  if (code <= 82) return "rain showers";
  return code <= 86 ? "snow showers" : "thunderstorm";
}
