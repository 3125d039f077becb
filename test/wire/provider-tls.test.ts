/** Identity providers over TLS: believed by the machine's authorities or by a stored thumbprint, and in no other way. */
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeCertificate } from '../../src/app/tls.ts';
import { fetchJson } from '../../src/services/sts/provider-fetch.ts';

let server: Server;
let url: string;
let ca: X509Certificate;
let leaf: X509Certificate;
let asked = 0;
const folder = mkdtempSync(join(tmpdir(), 'sluice-test-'));

beforeAll(async () => {
  const { key, cert, caFile } = await makeCertificate(folder);
  const authority = readFileSync(caFile, 'utf8');
  ca = new X509Certificate(authority);
  leaf = new X509Certificate(cert);
  wallMs = Date.now();
  server = createServer({ key, cert: `${cert}\n${authority}` }, (_, response) => {
    asked++;
    response.end('{"issuer":"here"}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
afterAll(async () => {
  await new Promise((resolve) => server?.close(resolve));
  rmSync(folder, { recursive: true, force: true });
});

const print = (certificate: X509Certificate): string => certificate.fingerprint.replaceAll(':', '').toLowerCase();
let wallMs: number;

it('believes a chain that leads to a stored thumbprint', async () => {
  for (const known of [ca, leaf]) {
    const answer = await fetchJson(url, { thumbprints: ['0'.repeat(40), print(known)], wallMs });
    expect(answer).toEqual({ issuer: 'here' });
  }
});

it('sends nothing to a stranger, nor to a certificate of another name or time', async () => {
  const before = asked;
  const untrusted = 'its certificate is not trusted';
  for (const thumbprints of [[], ['a'.repeat(40)]]) {
    await expect(fetchJson(url, { thumbprints, wallMs })).rejects.toThrow(untrusted);
  }
  const thumbprints = [print(ca)];
  const otherName = url.replace('127.0.0.1', '127.0.0.2');
  await expect(fetchJson(otherName, { thumbprints, wallMs })).rejects.toThrow();
  const later = Date.parse(leaf.validTo) + 1;
  await expect(fetchJson(url, { thumbprints, wallMs: later })).rejects.toThrow(untrusted);
  expect(asked).toBe(before);
});
