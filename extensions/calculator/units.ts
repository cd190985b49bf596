interface Unit {
  readonly kind: "length" | "mass" | "temperature" | "volume" | "time" | "data" | "speed";
  /** In the unit that others of its kind are measured in. */
  readonly factor: number;
  /** Added after the factor. */
  readonly offset?: number;
}

/** Every unit by its name. */
export const units: Readonly<Record<string, Unit>> = {
  mm: { kind: "length", factor: 0.001 },
  cm: { kind: "length", factor: 0.01 },
  m: { kind: "length", factor: 1 },
  km: { kind: "length", factor: 1_000 },
  in: { kind: "length", factor: 0.0254 },
  ft: { kind: "length", factor: 0.3048 },
  yd: { kind: "length", factor: 0.9144 },
  mi: { kind: "length", factor: 1_609.344 },
  g: { kind: "mass", factor: 0.001 },
  kg: { kind: "mass", factor: 1 },
  t: { kind: "mass", factor: 1_000 },
  oz: { kind: "mass", factor: 0.028349523125 },
  lb: { kind: "mass", factor: 0.45359237 },
  K: { kind: "temperature", factor: 1 },
  C: { kind: "temperature", factor: 1, offset: 273.15 },
  F: { kind: "temperature", factor: 5 / 9, offset: 459.67 * 5 / 9 },
  ml: { kind: "volume", factor: 0.001 },
  l: { kind: "volume", factor: 1 },
  gal: { kind: "volume", factor: 3.785411784 },
  s: { kind: "time", factor: 1 },
  min: { kind: "time", factor: 60 },
  h: { kind: "time", factor: 3_600 },
  d: { kind: "time", factor: 86_400 },
  B: { kind: "data", factor: 1 },
  kB: { kind: "data", factor: 1e3 },
  MB: { kind: "data", factor: 1e6 },
  GB: { kind: "data", factor: 1e9 },
  KiB: { kind: "data", factor: 1_024 },
  MiB: { kind: "data", factor: 1_048_576 },
  GiB: { kind: "data", factor: 1_073_741_824 },
  "m/s": { kind: "speed", factor: 1 },
  "km/h": { kind: "speed", factor: 1 / 3.6 },
  mph: { kind: "speed", factor: 0.44704 },
  kn: { kind: "speed", factor: 1_852 / 3_600 },
};

/** Converts, to 12 digits. @throws {Error} for units of different kinds. */
export function convert(value: number, from: string, to: string): number {
  const [source, target] = [units[from], units[to]];
  if (source === undefined || target === undefined) {
    throw new Error(`There is no unit ${source === undefined ? from : to}`);
  }
  if (source.kind !== target.kind) throw new Error(`${from} is a ${source.kind}, ${to} a ${target.kind}`);
  const base = value * source.factor + (source.offset ?? 0);
  return Number(((base - (target.offset ?? 0)) / target.factor).toPrecision(12));
}
