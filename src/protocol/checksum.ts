/**
 * The checksums that S3 clients send along: CRC-32, CRC-32C, CRC-64/NVME, SHA-1, SHA-256; and MD5.
 * Source: S3 User Guide, "Checking object integrity". Values travel as base64 of the big-endian bytes.
 */
import { createHash } from 'node:crypto';

export interface Checksum {
  update(chunk: Uint8Array): void;
  /** Base64. Call once. */
  digest(): string;
}

export type ChecksumName = 'CRC32' | 'CRC32C' | 'CRC64NVME' | 'SHA1' | 'SHA256';

/** `x-amz-checksum-crc32c` to `CRC32C`; undefined for a header that names no algorithm we know. */
export function checksumOfHeader(header: string): ChecksumName | undefined {
  return BY_HEADER[header.toLowerCase()];
}

const BY_HEADER: Readonly<Record<string, ChecksumName>> = {
  'x-amz-checksum-crc32': 'CRC32',
  'x-amz-checksum-crc32c': 'CRC32C',
  'x-amz-checksum-crc64nvme': 'CRC64NVME',
  'x-amz-checksum-sha1': 'SHA1',
  'x-amz-checksum-sha256': 'SHA256',
};

export function createChecksum(name: ChecksumName): Checksum {
  switch (name) {
    case 'SHA1':
    case 'SHA256': {
      const hash = createHash(name.toLowerCase());
      return { update: (chunk) => void hash.update(chunk), digest: () => hash.digest('base64') };
    }
    case 'CRC32':
      return crc32(CRC32_TABLES);
    case 'CRC32C':
      return crc32(CRC32C_TABLES);
    case 'CRC64NVME':
      return crc64();
  }
}

/** Eight tables of 256: eight bytes a step ("slicing by 8"). Reflected polynomials. */
function tables(polynomial: number): readonly Uint32Array[] {
  const first = new Uint32Array(256);
  for (let i = 0; i < 256; i++) {
    let crc = i;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
    first[i] = crc >>> 0;
  }
  const out = [first];
  for (let t = 1; t < 8; t++) {
    const previous = out[t - 1] as Uint32Array;
    const table = new Uint32Array(256);
    for (let i = 0; i < 256; i++) {
      const crc = previous[i] as number;
      table[i] = ((crc >>> 8) ^ (first[crc & 0xff] as number)) >>> 0;
    }
    out.push(table);
  }
  return out;
}

const CRC32_TABLES = tables(0xedb88320);
const CRC32C_TABLES = tables(0x82f63b78);

function crc32(t: readonly Uint32Array[]): Checksum {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = t as [
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
  ];
  let crc = 0xffffffff;
  return {
    update: (chunk) => {
      let i = 0;
      const end = chunk.length;
      let c = crc;
      for (; i + 8 <= end; i += 8) {
        c ^= (chunk[i]! | (chunk[i + 1]! << 8) | (chunk[i + 2]! << 16) | (chunk[i + 3]! << 24)) >>> 0;
        c =
          t7[c & 0xff]! ^
          t6[(c >>> 8) & 0xff]! ^
          t5[(c >>> 16) & 0xff]! ^
          t4[c >>> 24]! ^
          t3[chunk[i + 4]!]! ^
          t2[chunk[i + 5]!]! ^
          t1[chunk[i + 6]!]! ^
          t0[chunk[i + 7]!]!;
      }
      for (; i < end; i++) c = (c >>> 8) ^ t0[(c ^ chunk[i]!) & 0xff]!;
      crc = c;
    },
    digest: () => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(~crc >>> 0);
      return bytes.toString('base64');
    },
  };
}

/** CRC-64/NVME, reflected polynomial 0x9a6c9329ac4bc9b5, as two 32-bit halves: BigInt is twenty times slower. */
const CRC64 = ((): { low: Uint32Array; high: Uint32Array } => {
  const low = new Uint32Array(256);
  const high = new Uint32Array(256);
  const polynomial = 0x9a6c9329ac4bc9b5n;
  for (let i = 0; i < 256; i++) {
    let crc = BigInt(i);
    for (let bit = 0; bit < 8; bit++) crc = crc & 1n ? (crc >> 1n) ^ polynomial : crc >> 1n;
    low[i] = Number(crc & 0xffffffffn);
    high[i] = Number(crc >> 32n);
  }
  return { low, high };
})();

function crc64(): Checksum {
  let low = 0xffffffff;
  let high = 0xffffffff;
  return {
    update: (chunk) => {
      for (let i = 0; i < chunk.length; i++) {
        const index = (low ^ chunk[i]!) & 0xff;
        low = (((low >>> 8) | (high << 24)) ^ CRC64.low[index]!) >>> 0;
        high = ((high >>> 8) ^ CRC64.high[index]!) >>> 0;
      }
    },
    digest: () => {
      const bytes = Buffer.alloc(8);
      bytes.writeUInt32BE(~high >>> 0);
      bytes.writeUInt32BE(~low >>> 0, 4);
      return bytes.toString('base64');
    },
  };
}
