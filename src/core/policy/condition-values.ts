/** Reading the values that conditions compare: dates, addresses, bytes. */

/** Epoch milliseconds of a W3C ISO 8601 date, or of epoch seconds. */
export function parseDate(text: string): number | undefined {
  const trimmed = text.trim();
  if (/^\d+(\.\d+)?$/.test(trimmed) && trimmed.length > 4) return Number(trimmed) * 1000;
  const match = /^(\d{4})(-\d{2}(-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?)?)?$/.exec(trimmed);
  if (match === null) return undefined;
  // A date-time without a zone is UTC here, local time to Date.parse.
  const zoned = match[4] !== undefined && match[7] === undefined ? `${trimmed}Z` : trimmed;
  const at = Date.parse(zoned);
  return Number.isNaN(at) ? undefined : at;
}

/** Canonical text of base64 bytes (padding and alphabet checked), or undefined. */
export function decodeBase64(text: string): string | undefined {
  return /^[A-Za-z0-9+/]*={0,2}$/.test(text) && text.length % 4 === 0 ? text.replace(/=+$/, '') : undefined;
}

/** 16 bytes; a v4 address is mapped into v6 (`::ffff:a.b.c.d`), as dual-stack sockets report it. */
export type Ip = readonly number[];
export type IpRange = Readonly<{ ip: Ip; bits: number }>;

export function parseIp(text: string): Ip | undefined {
  const v4 = parseV4(text);
  if (v4 !== undefined) return [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, ...v4];
  const halves = text.split('::');
  if (halves.length > 2 || !text.includes(':')) return undefined;
  const left = parseGroups(halves[0] ?? '');
  const right = halves.length === 2 ? parseGroups(halves[1] ?? '') : [];
  if (left === undefined || right === undefined) return undefined;
  const missing = 16 - left.length - right.length;
  if (halves.length === 1 ? missing !== 0 : missing < 2) return undefined;
  return [...left, ...Array.from({ length: missing }, () => 0), ...right];
}

/** `203.0.113.0/24`, `2001:db8::/32`, or one address. */
export function parseIpRange(text: string): IpRange | undefined {
  const [address = '', prefix, extra] = text.trim().split('/');
  const ip = parseIp(address);
  if (ip === undefined || extra !== undefined) return undefined;
  const offset = address.includes(':') ? 0 : 96;
  if (prefix === undefined) return { ip, bits: 128 };
  if (!/^\d{1,3}$/.test(prefix)) return undefined;
  const bits = Number(prefix) + offset;
  return bits > 128 ? undefined : { ip, bits };
}

export function ipRangeHolds(range: IpRange, ip: Ip): boolean {
  for (let i = 0, bits = range.bits; bits > 0; i++, bits -= 8) {
    const mask = bits >= 8 ? 255 : (255 << (8 - bits)) & 255;
    if (((range.ip[i] ?? 0) & mask) !== ((ip[i] ?? 0) & mask)) return false;
  }
  return true;
}

function parseV4(text: string): number[] | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (match === null) return undefined;
  const bytes = match.slice(1).map(Number);
  return bytes.every((byte) => byte <= 255) ? bytes : undefined;
}

function parseGroups(text: string): number[] | undefined {
  if (text === '') return [];
  const bytes: number[] = [];
  const groups = text.split(':');
  for (const [i, group] of groups.entries()) {
    const v4 = i === groups.length - 1 ? parseV4(group) : undefined;
    if (v4 !== undefined) bytes.push(...v4);
    else if (/^[0-9a-f]{1,4}$/i.test(group)) bytes.push(parseInt(group, 16) >> 8, parseInt(group, 16) & 255);
    else return undefined;
  }
  return bytes.length <= 16 ? bytes : undefined;
}
