/** Linux error numbers by name (uapi/asm-generic/errno-base.h and errno.h; `ENOTSUPP` is the kernel's own, include/linux/errno.h). */
export const ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  EIO: 5,
  E2BIG: 7,
  EBADF: 9,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EFAULT: 14,
  EBUSY: 16,
  EEXIST: 17,
  ENODEV: 19,
  EINVAL: 22,
  ENOSPC: 28,
  ERANGE: 34,
  EDEADLK: 35,
  ENAMETOOLONG: 36,
  ENOSYS: 38,
  ELOOP: 40,
  ENODATA: 61,
  EPROTO: 71,
  EOVERFLOW: 75,
  EPROTONOSUPPORT: 93,
  EOPNOTSUPP: 95,
  ENOTSUPP: 524,
} as const;

/** The name of a Linux error number. */
export type ErrnoName = keyof typeof ERRNO;

const names: ReadonlyMap<number, ErrnoName> = new Map(
  Object.entries(ERRNO).map(([name, number]) => [number, name as ErrnoName]),
);

/** The name of an error number, positive or as the negative result of a helper; undefined where it has none here. */
export function errnoName(errno: number): ErrnoName | undefined {
  return names.get(Math.abs(errno));
}
