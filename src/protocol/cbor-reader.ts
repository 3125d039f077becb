/**
 * Reads CBOR (RFC 8949): what Smithy RPC v2 uses of it, indefinite lengths included. Ours because the input is a
 * stranger's: nothing is allocated that the bytes do not hold, depth is limited, and nothing is written to the console.
 * Tried and dropped: the reader of `@smithy/core/cbor`, where a decimal fraction of ten bytes makes a text of 256 MB.
 */

/** A tagged value; timestamps are tag 1. */
export type CborTag = Readonly<{ tag: number; value: unknown }>;

export class CborError extends Error {
  override readonly name = 'CborError';
}

const MAX_DEPTH = 100;

/** One data item that fills `bytes`. Integers past 2^53 lose precision; maps must have text keys. Throws `CborError`. */
export function parseCbor(bytes: Uint8Array): unknown {
  const reader = new CborReader(bytes);
  const value = reader.item(0);
  if (!reader.atEnd()) throw new CborError('bytes follow the data item');
  return value;
}

const BREAK = Symbol('break');

class CborReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  atEnd(): boolean {
    return this.#at === this.#bytes.byteLength;
  }

  item(depth: number): unknown {
    const value = this.#itemOrBreak(depth);
    if (value === BREAK) throw new CborError('a break where an item was expected');
    return value;
  }

  #itemOrBreak(depth: number): unknown {
    if (depth > MAX_DEPTH) throw new CborError('nested too deeply');
    const first = this.#take(1)[0] as number;
    const [major, minor] = [first >> 5, first & 31];
    switch (major) {
      case 0:
        return this.#argument(minor);
      case 1:
        return -1 - this.#argument(minor);
      case 2:
        return this.#string(minor, 2, depth);
      case 3:
        return this.#string(minor, 3, depth).toString('utf8');
      case 4:
        return this.#list(minor, depth);
      case 5:
        return this.#map(minor, depth);
      case 6:
        return { tag: this.#argument(minor), value: this.item(depth + 1) } satisfies CborTag;
      default:
        return this.#simple(minor);
    }
  }

  #take(length: number): Buffer {
    if (length > this.#bytes.byteLength - this.#at) throw new CborError('the data ends in mid-item');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  #argument(minor: number): number {
    if (minor < 24) return minor;
    switch (minor) {
      case 24:
        return this.#take(1).readUInt8();
      case 25:
        return this.#take(2).readUInt16BE();
      case 26:
        return this.#take(4).readUInt32BE();
      case 27:
        return Number(this.#take(8).readBigUInt64BE());
      default:
        throw new CborError(`additional information ${minor} is not allowed here`);
    }
  }

  #string(minor: number, major: number, depth: number): Buffer {
    if (minor !== 31) return this.#take(this.#argument(minor));
    if (depth > MAX_DEPTH) throw new CborError('nested too deeply');
    const chunks: Buffer[] = [];
    for (;;) {
      const first = this.#take(1)[0] as number;
      if (first === 0xff) return Buffer.concat(chunks);
      if (first >> 5 !== major || (first & 31) === 31) throw new CborError('a chunk of another kind in a string');
      chunks.push(this.#take(this.#argument(first & 31)));
    }
  }

  #list(minor: number, depth: number): unknown[] {
    const out: unknown[] = [];
    const count = minor === 31 ? Number.POSITIVE_INFINITY : this.#argument(minor);
    while (out.length < count) {
      const value = minor === 31 ? this.#itemOrBreak(depth + 1) : this.item(depth + 1);
      if (value === BREAK) break;
      out.push(value);
    }
    return out;
  }

  #map(minor: number, depth: number): Record<string, unknown> {
    const out: Record<string, unknown> = {};
    const count = minor === 31 ? Number.POSITIVE_INFINITY : this.#argument(minor);
    for (let i = 0; i < count; i++) {
      const key = minor === 31 ? this.#itemOrBreak(depth + 1) : this.item(depth + 1);
      if (key === BREAK) break;
      if (typeof key !== 'string') throw new CborError('a map key that is not text');
      const value = this.item(depth + 1);
      if (key === '__proto__') Object.defineProperty(out, key, { value, enumerable: true, writable: true });
      else out[key] = value;
    }
    return out;
  }

  #simple(minor: number): unknown {
    switch (minor) {
      case 20:
        return false;
      case 21:
        return true;
      case 22:
      case 23:
        return null;
      case 25:
        return halfOf(this.#take(2).readUInt16BE());
      case 26:
        return this.#take(4).readFloatBE();
      case 27:
        return this.#take(8).readDoubleBE();
      case 31:
        return BREAK;
      default:
        throw new CborError(`simple value ${minor} is not known`);
    }
  }
}

/** IEEE 754 half precision (RFC 8949 appendix D). */
function halfOf(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  const size =
    exponent === 0
      ? fraction * 2 ** -24
      : exponent === 31
        ? fraction === 0
          ? Number.POSITIVE_INFINITY
          : Number.NaN
        : (fraction + 1024) * 2 ** (exponent - 25);
  return bits & 0x8000 ? -size : size;
}
