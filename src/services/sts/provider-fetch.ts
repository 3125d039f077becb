/**
 * One JSON document from an identity provider. The address is somebody else's word, so everything is bounded: the time, the
 * size, the redirects (a few, never to another host), the protocol (TLS, except on this machine).
 *
 * Certificates are checked against the machine's authorities; a provider with a certificate of its own making is believed
 * where the chain that it serves leads, link by link, to a certificate whose thumbprint was stored with the provider.
 */
import { X509Certificate } from 'node:crypto';
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { checkServerIdentity, type DetailedPeerCertificate, type TLSSocket } from 'node:tls';

const DEADLINE_MS = 5_000;
const MOST_BYTES = 256 * 1024;
const MOST_REDIRECTS = 3;
const MOST_CERTIFICATES = 10;

/** `Refused`: it answered that it will not tell; `Invalid`: its answer makes no sense. The message goes to the caller. */
export class ProviderAnswerError extends Error {
  override readonly name = 'ProviderAnswerError';
  readonly kind: 'Unreachable' | 'Refused' | 'Invalid';

  constructor(kind: 'Unreachable' | 'Refused' | 'Invalid', message: string) {
    super(message);
    this.kind = kind;
  }
}

/** `wallMs`: the machine's time, by which certificates are valid. */
export type ProviderTrust = Readonly<{ thumbprints: readonly string[]; wallMs: number }>;

/** Throws `ProviderAnswerError`. */
export async function fetchJson(address: string, trust: ProviderTrust): Promise<Record<string, unknown>> {
  const signal = AbortSignal.timeout(DEADLINE_MS);
  let url = new URL(address);
  for (let redirects = 0; ; redirects++) {
    const { status, location, body } = await get(url, trust, signal);
    if (status === 200) return parsed(body);
    if (status >= 300 && status < 400 && location !== undefined) {
      url = redirected(url, location, redirects);
      continue;
    }
    if (status === 401 || status === 403) throw new ProviderAnswerError('Refused', `it answered with status ${status}`);
    throw new ProviderAnswerError(status >= 500 ? 'Unreachable' : 'Invalid', `it answered with status ${status}`);
  }
}

function redirected(from: URL, location: string, redirects: number): URL {
  const to = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  if (to === undefined || to.host !== from.host || to.protocol !== from.protocol) {
    throw new ProviderAnswerError('Invalid', 'it redirects elsewhere');
  }
  if (redirects >= MOST_REDIRECTS) throw new ProviderAnswerError('Invalid', 'it redirects too often');
  return to;
}

function parsed(body: Buffer): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    throw new ProviderAnswerError('Invalid', 'its answer is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ProviderAnswerError('Invalid', 'its answer is not a JSON object');
  }
  return value as Record<string, unknown>;
}

type Answer = Readonly<{ status: number; location: string | undefined; body: Buffer }>;

function get(url: URL, trust: ProviderTrust, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => {
      if (error instanceof ProviderAnswerError) reject(error);
      else reject(new ProviderAnswerError('Unreachable', signal.aborted ? 'it did not answer in time' : codeOf(error)));
    };
    const secure = url.protocol === 'https:';
    // Trust is decided below, before anything is sent, so that a stored thumbprint can count.
    const options: RequestOptions & { rejectUnauthorized?: boolean } = {
      agent: false,
      signal,
      headers: { accept: 'application/json', 'user-agent': 'sluice' },
      ...(secure ? { rejectUnauthorized: false } : {}),
    };
    const request = (secure ? httpsRequest : httpRequest)(url.href, options, (response) => {
      void read(response).then(
        (body) => resolve({ status: response.statusCode ?? 0, location: response.headers.location, body }),
        (error: unknown) => {
          request.destroy();
          fail(error);
        },
      );
    });
    request.on('error', fail);
    if (!secure) {
      request.end();
      return;
    }
    request.on('socket', (socket) => {
      socket.once('secureConnect', () => {
        if (isTrusted(socket as TLSSocket, url.hostname, trust)) request.end();
        else request.destroy(new ProviderAnswerError('Unreachable', 'its certificate is not trusted'));
      });
    });
  });
}

async function read(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    bytes += (chunk as Buffer).length;
    if (bytes > MOST_BYTES) throw new ProviderAnswerError('Invalid', `its answer is longer than ${MOST_BYTES} bytes`);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

function isTrusted(socket: TLSSocket, hostname: string, trust: ProviderTrust): boolean {
  if (socket.authorized) return true;
  const leaf = socket.getPeerCertificate(true);
  if (leaf.raw === undefined || checkServerIdentity(hostname, leaf) !== undefined) return false;
  return leadsToThumbprint(leaf, trust);
}

/** Each certificate is signed by the next, and is of today; one of them is known. */
function leadsToThumbprint(leaf: DetailedPeerCertificate, { thumbprints, wallMs }: ProviderTrust): boolean {
  let served = leaf;
  for (let i = 0; i < MOST_CERTIFICATES; i++) {
    const certificate = new X509Certificate(served.raw);
    if (wallMs < Date.parse(certificate.validFrom) || wallMs > Date.parse(certificate.validTo)) return false;
    if (thumbprints.includes(certificate.fingerprint.replaceAll(':', '').toLowerCase())) return true;
    const next = served.issuerCertificate;
    if (next?.raw === undefined || next.raw.equals(served.raw)) return false;
    const issuer = new X509Certificate(next.raw);
    if (!certificate.checkIssued(issuer) || !certificate.verify(issuer.publicKey)) return false;
    served = next;
  }
  return false;
}

function codeOf(error: unknown): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : 'the connection failed';
}
