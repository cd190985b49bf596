import { type ExtensionCall, serveExtension } from "nexo";

interface Place {
  readonly name: string;
  readonly country?: string;
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
        const { current } = await ask(weather, "/v1/forecast", { ...toPosition(found), current: fields }, call);
        return {
          place: toName(found),
          at: current.time,
          weather: toWords(current.weather_code),
          temperature_celsius: current.temperature_2m,
          feels_like_celsius: current.apparent_temperature,
          humidity_percent: current.relative_humidity_2m,
          precipitation_mm: current.precipitation,
          wind_kmh: current.wind_speed_10m,
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
          place: toName(found),
          days: answer.daily.time.map((day: string, index: number) => ({
            day,
            weather: toWords(answer.daily.weather_code[index]),
            highest_celsius: answer.daily.temperature_2m_max[index],
            lowest_celsius: answer.daily.temperature_2m_min[index],
            precipitation_mm: answer.daily.precipitation_sum[index],
          })),
        };
      },
    },
  },
});

async function findPlace(name: string, call: ExtensionCall): Promise<Place> {
  const { results = [] } = await ask(geocoding, "/v1/search", { name, count: "1" }, call);
  if (results.length === 0) throw new Error(`There is no place called ${name}`);
  return results[0];
}

function toPosition({ latitude, longitude }: Place): Record<string, string> {
  return { latitude: String(latitude), longitude: String(longitude) };
}

function toName({ name, country }: Place): string {
  return country === undefined ? name : `${name}, ${country}`;
}

// deno-lint-ignore no-explicit-any -- answers of one well-known service
async function ask(base: string, path: string, query: Record<string, string>, { signal }: ExtensionCall): Promise<any> {
  const response = await fetch(`${base}${path}?${new URLSearchParams(query)}`, { signal });
  if (!response.ok) throw new Error(`Open-Meteo answered ${response.status}: ${(await response.text()).slice(0, 200)}`);
  return await response.json();
}

/** WMO code table 4677, as Open-Meteo uses it. */
function toWords(code: number): string {
  if (code === 0) return "clear";
  if (code <= 3) return ["", "mainly clear", "partly cloudy", "overcast"][code] ?? "cloudy";
  if (code <= 48) return "fog";
  if (code <= 57) return "drizzle";
  if (code <= 67) return "rain";
  if (code <= 77) return "snow";
  if (code <= 82) return "rain showers";
  return code <= 86 ? "snow showers" : "thunderstorm";
}
