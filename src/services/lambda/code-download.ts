/**
 * Where `GetFunction` says the package can be fetched: an address on Sluice itself, signed, good for ten minutes.
 * Differs from AWS: there the address is a presigned one of S3.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { MINUTE_MS } from '../../common/index.ts';
import type { House, HttpTools } from '../service.ts';
import { workshopOf } from './workshop.ts';

/** No bucket can be named so: names of buckets begin with a letter or digit. */
const PREFIX = '/.lambda-code/';
const GOOD_FOR_MS = 10 * MINUTE_MS;

export function downloadAddress(house: House, digest: string): string {
  const expiresAt = house.clock.now() + GOOD_FOR_MS;
  return `${house.config.endpoint()}${PREFIX}${digest}?expires=${expiresAt}&signature=${sign(house, digest, expiresAt)}`;
}

export async function answerDownload(
  request: IncomingMessage,
  response: ServerResponse,
  { house }: HttpTools,
): Promise<boolean> {
  if (!(request.url ?? '').startsWith(PREFIX)) return false;
  const url = new URL(request.url ?? '', 'http://localhost');
  const digest = url.pathname.slice(PREFIX.length);
  const expiresAt = Number(url.searchParams.get('expires'));
  const expected = Buffer.from(sign(house, digest, expiresAt));
  const given = Buffer.from(url.searchParams.get('signature') ?? '');
  const genuine = given.length === expected.length && timingSafeEqual(given, expected);
  if (!genuine || house.clock.now() >= expiresAt || !(await house.blobs.has(digest))) {
    response.writeHead(403, { 'content-type': 'text/plain' }).end('Access Denied\n');
    return true;
  }
  response.writeHead(200, {
    'content-type': 'application/zip',
    'content-disposition': 'attachment; filename="function.zip"',
  });
  if (request.method === 'HEAD') response.end();
  else await pipeline(await house.blobs.read(digest), response).catch(() => response.destroy());
  return true;
}

function sign(house: House, digest: string, expiresAt: number): string {
  return createHmac('sha256', workshopOf(house).downloadSecret).update(`${digest}\n${expiresAt}`).digest('hex');
}
