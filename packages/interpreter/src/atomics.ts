/** Operations of atomic instructions (RFC 9669 §5.3; the last two Linux 6.15), by immediate. */
export const FETCH = 0x01;
export const ADD = 0x00;
export const OR = 0x40;
export const AND = 0x50;
export const XOR = 0xa0;
export const CMPXCHG = 0xf1;
export const LOAD_ACQUIRE = 0x100;
export const STORE_RELEASE = 0x110;

/** Whether an atomic only reads, from the source register's memory; all others write to the destination's. */
export function isLoad(operation: number): boolean {
  return operation === LOAD_ACQUIRE;
}

/** Carries out one atomic of `size` bytes at an address that was checked, in memory of one thread: plain accesses will do. */
export function runAtomic(
  regs: Int32Array,
  data: DataView,
  address: number,
  size: number,
  operation: number,
  dst: number,
  src: number,
): void {
  if (operation === LOAD_ACQUIRE) load(regs, data, address, size, dst);
  else if (operation === STORE_RELEASE) store(data, address, size, regs[src]!, regs[src + 1]!);
  else if (operation === CMPXCHG) compareAndExchange(regs, data, address, size, src);
  else modify(regs, data, address, size, operation, src);
}

/** Compares with r0, stores the source where equal; r0 becomes what was there. */
function compareAndExchange(regs: Int32Array, data: DataView, address: number, size: number, src: number): void {
  const low = data.getInt32(address, true);
  const high = size === 8 ? data.getInt32(address + 4, true) : 0;
  if (low === regs[0] && (size === 4 || high === regs[1])) store(data, address, size, regs[src]!, regs[src + 1]!);
  regs[0] = low;
  regs[1] = high;
}

function modify(regs: Int32Array, data: DataView, address: number, size: number, operation: number, src: number): void {
  const low = data.getInt32(address, true);
  const high = size === 8 ? data.getInt32(address + 4, true) : 0;
  const otherLow = regs[src]!;
  const otherHigh = regs[src + 1]!;
  switch (operation & ~FETCH) {
    case ADD: {
      const sum = (low + otherLow) | 0;
      store(data, address, size, sum, high + otherHigh + (sum >>> 0 < low >>> 0 ? 1 : 0));
      break;
    }
    case OR:
      store(data, address, size, low | otherLow, high | otherHigh);
      break;
    case AND:
      store(data, address, size, low & otherLow, high & otherHigh);
      break;
    case XOR:
      store(data, address, size, low ^ otherLow, high ^ otherHigh);
      break;
    default: // xchg
      store(data, address, size, otherLow, otherHigh);
  }
  if ((operation & FETCH) === 0) return;
  regs[src] = low;
  regs[src + 1] = high;
}

function load(regs: Int32Array, data: DataView, address: number, size: number, dst: number): void {
  regs[dst + 1] = size === 8 ? data.getInt32(address + 4, true) : 0;
  if (size === 1) regs[dst] = data.getUint8(address);
  else if (size === 2) regs[dst] = data.getUint16(address, true);
  else regs[dst] = data.getInt32(address, true);
}

function store(data: DataView, address: number, size: number, low: number, high: number): void {
  if (size === 1) data.setInt8(address, low);
  else if (size === 2) data.setInt16(address, low, true);
  else data.setInt32(address, low, true);
  if (size === 8) data.setInt32(address + 4, high, true);
}
