import { BlockList, isIPv4, isIPv6 } from "node:net";

/** Ranges of IPv4 that do not belong to a host of the public network (IANA special-purpose registry). */
const closedIpv4 = [
  ...["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24"],
  ...["192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"],
  ...["224.0.0.0/4", "240.0.0.0/4"],
] as const;
/** Inside 2000::/3, all that is global, these hold other addresses or none. */
const closedIpv6 = ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"] as const;

/** Whether an IP address is one of the public network: not this machine, not a local network, not a cloud's metadata. */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !newList(closedIpv4, "ipv4").check(address, "ipv4");
  return isIPv6(address) && newList(["2000::/3"], "ipv6").check(address, "ipv6") &&
    !newList(closedIpv6, "ipv6").check(address, "ipv6");
}

function newList(ranges: readonly string[], type: "ipv4" | "ipv6"): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [net = "", bits = ""] = range.split("/");
    list.addSubnet(net, Number(bits), type);
  }
  return list;
}
