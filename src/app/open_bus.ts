import { type BusRoom, type BusRoomDeps, openLocalRoom } from "./bus_room.ts";

/** Opens the bus that the config asks for. */
export async function openBusRoom(deps: BusRoomDeps): Promise<BusRoom> {
  const { broker } = deps.config.current;
  if (broker.type === "local") return openLocalRoom(deps);
  // Loaded on demand: the client takes 60 ms and 25 MB, for which a process without NATS has no use.
  const { openNatsRoom } = await import("./nats_room.ts");
  return await openNatsRoom(deps, broker);
}
