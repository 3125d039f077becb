/**
 * ECDSA verification over a digest, on the curves of KMS (y^2 = x^3 + ax + b over a prime field). Everything here is public:
 * point, digest and signature; so nothing needs to take the same time for all of them.
 * Source: FIPS 186-5, 6.4.2; SEC 2, 2.4.1; SP 800-186, 3.2.1.
 */
export type Curve = Readonly<{ p: bigint; a: bigint; b: bigint; n: bigint; g: Point; bytes: number }>;
/** Affine. */
export type Point = readonly [x: bigint, y: bigint];
export type SignatureNumbers = Readonly<{ r: bigint; s: bigint }>;
export type CurveName = keyof typeof CURVES;

export const CURVES = {
  prime256v1: {
    p: 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn,
    a: -3n,
    b: 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn,
    n: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
    g: [
      0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296n,
      0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5n,
    ],
    bytes: 32,
  },
  secp384r1: {
    p: 0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffffn,
    a: -3n,
    b: 0xb3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aefn,
    n: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
    g: [
      0xaa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7n,
      0x3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5fn,
    ],
    bytes: 48,
  },
  secp521r1: {
    p: (1n << 521n) - 1n,
    a: -3n,
    b: 0x0051953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00n,
    n: 0x01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
    g: [
      0x00c6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d3dbaa14b5e77efe75928fe1dc127a2ffa8de3348b3c1856a429bf97e7e31c2e5bd66n,
      0x011839296a789a3bc0045c8a5fb42c7d1bd998f54449579b446817afbd17273e662c97ee72995ef42640c550b9013fad0761353c7086a272c24088be94769fd16650n,
    ],
    bytes: 66,
  },
  secp256k1: {
    p: 0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2fn,
    a: 0n,
    b: 7n,
    n: 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n,
    g: [
      0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798n,
      0x483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8n,
    ],
    bytes: 32,
  },
} as const satisfies Record<string, Curve>;

export function verifies(curve: Curve, key: Point, digest: Uint8Array, { r, s }: SignatureNumbers): boolean {
  const { n, g } = curve;
  if (r <= 0n || r >= n || s <= 0n || s >= n) return false;
  const w = inverse(s, n);
  const sum = add(curve, times(curve, g, (leftmostBits(digest, n) * w) % n), times(curve, key, (r * w) % n));
  const point = affine(curve, sum);
  return point !== undefined && point[0] % n === r;
}

/** As many bits of the digest as the order has. */
export function leftmostBits(digest: Uint8Array, n: bigint): bigint {
  const excess = digest.length * 8 - n.toString(2).length;
  const number = toNumber(digest);
  return excess > 0 ? number >> BigInt(excess) : number;
}

/** Jacobian: x = X / Z^2, y = Y / Z^3; Z = 0 is the point at infinity. */
type Jacobian = readonly [bigint, bigint, bigint];
const INFINITY: Jacobian = [0n, 1n, 0n];

function times(curve: Curve, [x, y]: Point, factor: bigint): Jacobian {
  const point: Jacobian = [x, y, 1n];
  let sum = INFINITY;
  for (const bit of factor.toString(2)) {
    sum = double(curve, sum);
    if (bit === '1') sum = add(curve, sum, point);
  }
  return sum;
}

function double({ p, a }: Curve, [x, y, z]: Jacobian): Jacobian {
  if (z === 0n || y === 0n) return INFINITY;
  const yy = (y * y) % p;
  const s = (4n * x * yy) % p;
  const zz = (z * z) % p;
  const m = mod(3n * x * x + a * zz * zz, p);
  const x3 = mod(m * m - 2n * s, p);
  return [x3, mod(m * (s - x3) - 8n * yy * yy, p), (2n * y * z) % p];
}

function add(curve: Curve, left: Jacobian, right: Jacobian): Jacobian {
  const { p } = curve;
  const [x1, y1, z1] = left;
  const [x2, y2, z2] = right;
  if (z1 === 0n) return right;
  if (z2 === 0n) return left;
  const z1z1 = (z1 * z1) % p;
  const z2z2 = (z2 * z2) % p;
  const u1 = (x1 * z2z2) % p;
  const u2 = (x2 * z1z1) % p;
  const s1 = (y1 * z2 * z2z2) % p;
  const s2 = (y2 * z1 * z1z1) % p;
  const h = mod(u2 - u1, p);
  const r = mod(s2 - s1, p);
  if (h === 0n) return r === 0n ? double(curve, left) : INFINITY;
  const hh = (h * h) % p;
  const hhh = (h * hh) % p;
  const v = (u1 * hh) % p;
  const x3 = mod(r * r - hhh - 2n * v, p);
  return [x3, mod(r * (v - x3) - s1 * hhh, p), (h * z1 * z2) % p];
}

function affine({ p }: Curve, [x, y, z]: Jacobian): Point | undefined {
  if (z === 0n) return undefined;
  const iz = inverse(z, p);
  const izz = (iz * iz) % p;
  return [(x * izz) % p, (y * izz * iz) % p];
}

/** By the extended Euclidean algorithm. `number` is no multiple of `modulus`. */
export function inverse(number: bigint, modulus: bigint): bigint {
  let [a, b] = [mod(number, modulus), modulus];
  let [x, u] = [1n, 0n];
  while (b !== 0n) {
    const q = a / b;
    [a, b] = [b, a - q * b];
    [x, u] = [u, x - q * u];
  }
  return mod(x, modulus);
}

function mod(number: bigint, modulus: bigint): bigint {
  const rest = number % modulus;
  return rest < 0n ? rest + modulus : rest;
}

export function toNumber(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
}

export function toBytes(number: bigint, length: number): Buffer {
  return Buffer.from(number.toString(16).padStart(length * 2, '0'), 'hex');
}

/** DER: SEQUENCE of the two INTEGERs. */
export function encodeSignature({ r, s }: SignatureNumbers): Buffer {
  const body = Buffer.concat([integer(r), integer(s)]);
  const head = body.length < 128 ? [0x30, body.length] : [0x30, 0x81, body.length];
  return Buffer.concat([Buffer.from(head), body]);
}

function integer(number: bigint): Buffer {
  const hex = number.toString(16);
  const bytes = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
  const positive = (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.alloc(1), bytes]) : bytes;
  return Buffer.concat([Buffer.from([0x02, positive.length]), positive]);
}

/** Undefined for anything but the one encoding of two positive integers. */
export function decodeSignature(der: Uint8Array): SignatureNumbers | undefined {
  const bytes = Buffer.from(der);
  const start = bytes[1] === 0x81 ? 3 : 2;
  const rLength = bytes[start + 1] ?? 0;
  const rEnd = start + 2 + rLength;
  const numbers = { r: toNumber(bytes.subarray(start + 2, rEnd)), s: toNumber(bytes.subarray(rEnd + 2)) };
  return encodeSignature(numbers).equals(bytes) ? numbers : undefined;
}
