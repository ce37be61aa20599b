import { type GuestAddress, guestAddress, type MapId, mapId, type SlotIndex, slotIndex } from "@bpfkit/core";

/* Brands do not mix: each line below must fail to compile but for its directive. */
export const good: [GuestAddress, MapId, SlotIndex] = [guestAddress(1), mapId(1), slotIndex(1)];
// @ts-expect-error a bare number is no address
export const bare: GuestAddress = 1;
// @ts-expect-error a slot is no map
export const mixed: MapId = slotIndex(1);
// @ts-expect-error an address is no slot
export const address: SlotIndex = guestAddress(1);
