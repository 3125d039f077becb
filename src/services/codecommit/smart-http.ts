/**
 * git over smart HTTP at `/v1/repos/<name>`: `git upload-pack` and `git receive-pack` with `--stateless-rpc`, protocol
 * versions 0 to 2, gzip bodies, streaming both ways. A fetch needs `codecommit:GitPull` on the repository, a push
 * `codecommit:GitPush`, with `codecommit:References` naming what it would change.
 *
 * A push is answered when its reference changes are recorded: who has seen it succeed will see its event.
 * Source: git's Documentation/gitprotocol-http.txt; CodeCommit User Guide, "Troubleshooting" (status codes).
 */
import { Buffer } from 'node:buffer';
import { spawn } from 'node:child_process';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { isAwsError, type RequestContext } from '../../common/index.ts';
import type { HttpTools } from '../service.ts';
import { type GitCaller, gitCaller } from './git-credentials.ts';
import { notePush, recordReferences } from './references.ts';
import {
  gitFolder,
  gitOf,
  principalArn,
  repositories,
  type Repository,
  repositoryArn,
  repositoryKey,
} from './repository.ts';

type GitService = 'git-upload-pack' | 'git-receive-pack';

type Exchange = Readonly<{
  request: IncomingMessage;
  response: ServerResponse;
  tools: HttpTools;
  service: GitService;
  repository: Repository;
  caller: GitCaller;
}>;

/** Takes everything below `/v1/repos/`. */
export async function serveGit(request: IncomingMessage, response: ServerResponse, tools: HttpTools): Promise<boolean> {
  const [path = '', query = ''] = (request.url ?? '').split('?', 2);
  if (!path.startsWith('/v1/repos/')) return false;
  const match = /^\/v1\/repos\/([^/]+)\/(info\/refs|git-upload-pack|git-receive-pack)$/.exec(path);
  const isAdvertisement = match?.[2] === 'info/refs';
  const service = isAdvertisement ? new URLSearchParams(query).get('service') : match?.[2];
  const repositoryName = decodeName(match?.[1] ?? '');
  if (service !== 'git-upload-pack' && service !== 'git-receive-pack') {
    refuse(
      request,
      response,
      404,
      'This is the address of a git repository. Use it with git 1.7.9 or later (smart HTTP).',
    );
    return true;
  }
  if (request.method !== (isAdvertisement ? 'GET' : 'POST')) {
    refuse(request, response, 405, `${request.method ?? ''} is not a method of this address.`);
    return true;
  }
  const authorization = request.headers.authorization;
  if (authorization === undefined) {
    response.setHeader('www-authenticate', 'Basic realm="Sluice CodeCommit"');
    refuse(request, response, 401, 'Sign in with the AWS CLI credential helper or with service-specific credentials.');
    return true;
  }
  const clonePath = path.slice(0, path.length - (match?.[2]?.length ?? 0) - 1);
  const caller = await gitCaller(
    authorization,
    { host: request.headers.host ?? '', path: clonePath, repositoryName },
    tools,
  );
  if ('refused' in caller) {
    refuse(request, response, 403, caller.refused);
    return true;
  }
  const stored = await repositories.get(tools.house.store, repositoryKey(caller, repositoryName));
  if (!(await mayUse({ tools, service, caller }, repositoryName, request, response))) return true;
  if (stored === undefined) {
    refuse(
      request,
      response,
      404,
      `repository '${repositoryName}' not found in ${caller.region} of account ${caller.account}`,
    );
    return true;
  }
  const exchange: Exchange = { request, response, tools, service, repository: stored.document, caller };
  const endActivity = tools.house.engine.beginActivity();
  try {
    if (isAdvertisement) await advertise(exchange);
    else if (service === 'git-upload-pack') await uploadPack(exchange);
    else await receivePack(exchange);
  } finally {
    endActivity();
  }
  return true;
}

function decodeName(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

async function mayUse(
  by: Readonly<{ tools: HttpTools; service: GitService; caller: GitCaller }>,
  repositoryName: string,
  request: IncomingMessage,
  response: ServerResponse,
  context?: RequestContext,
): Promise<boolean> {
  const { tools, caller } = by;
  const operation = by.service === 'git-upload-pack' ? 'GitPull' : 'GitPush';
  const access = { action: `codecommit:${operation}`, resource: repositoryArn(caller, repositoryName) };
  try {
    await tools.authorize(caller.principal, caller, [context === undefined ? access : { ...access, context }]);
  } catch (error) {
    if (!isAwsError(error)) throw error;
    tools.audit(caller.principal, caller, 'codecommit', operation, { errorCode: error.code });
    refuse(request, response, 403, error.message);
    return false;
  }
  // The advertisement and the exchange are one call of the user's; the exchange is what is recorded.
  if (request.method === 'POST') tools.audit(caller.principal, caller, 'codecommit', operation, {});
  return true;
}

/** git shows a text body as `remote: ...`. */
function refuse(request: IncomingMessage, response: ServerResponse, status: number, message: string): void {
  if (!response.headersSent) {
    const close = request.complete || request.method === 'GET' ? {} : { connection: 'close' };
    response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-cache', ...close });
  }
  response.end(`${message}\n`);
  request.resume();
}

function gitEnv(exchange: Exchange): Record<string, string> {
  const version = exchange.request.headers['git-protocol'];
  const known = typeof version === 'string' && /^[\w=.:-]{1,100}$/.test(version);
  return { ...gitFolder(exchange.tools.house).env, ...(known ? { GIT_PROTOCOL: version } : {}) };
}

async function advertise(exchange: Exchange): Promise<void> {
  const { request, response, service, tools, repository } = exchange;
  const { path } = gitOf(tools.house, repository);
  response.writeHead(200, { 'content-type': `application/x-${service}-advertisement`, 'cache-control': 'no-cache' });
  if (request.headers['git-protocol']?.includes('version=2') !== true || service === 'git-receive-pack') {
    const line = `# service=${service}\n`;
    response.write(`${(line.length + 4).toString(16).padStart(4, '0')}${line}0000`);
  }
  const child = spawn('git', [service.slice(4), '--stateless-rpc', '--advertise-refs', path], {
    env: gitEnv(exchange),
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await streamOut(child.stdout, response, child);
}

async function uploadPack(exchange: Exchange): Promise<void> {
  const { response, tools, repository } = exchange;
  const { path } = gitOf(tools.house, repository);
  response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-result', 'cache-control': 'no-cache' });
  const child = spawn('git', ['upload-pack', '--stateless-rpc', path], {
    env: gitEnv(exchange),
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const feeding = pipeline(body(exchange.request), child.stdin).catch(() => {}); // it may answer before it has read all
  await streamOut(child.stdout, response, child);
  await feeding;
}

async function streamOut(
  from: Readable,
  response: ServerResponse,
  child: Readonly<{
    kill(signal: 'SIGKILL'): boolean;
    once(event: 'error', listener: (error: Error) => void): unknown;
  }>,
): Promise<void> {
  child.once('error', () => response.destroy());
  try {
    await pipeline(from, response);
  } catch {
    response.destroy(); // the client went away, or git could not be run
  } finally {
    child.kill('SIGKILL');
  }
}

function body(request: IncomingMessage): Readable {
  if (request.headers['content-encoding'] !== 'gzip') return request;
  const gunzip = createGunzip();
  request.on('error', (error) => gunzip.destroy(error));
  request.on('aborted', () => gunzip.destroy());
  return request.pipe(gunzip);
}

/**
 * Runs under the process runtime: should Sluice be killed, the next start ends what is left of a push before it looks at
 * the references, and a push that was cut off changed nothing (git moves references only once the whole pack is in).
 */
async function receivePack(exchange: Exchange): Promise<void> {
  const { request, response, tools, repository, caller } = exchange;
  const { house } = tools;
  const { path } = gitOf(house, repository);
  const source = body(request);
  const { head, references, rest } = await readCommands(source);
  if (references.length === 0 && head.length > 4) return refuse(request, response, 400, 'The push could not be read.');
  const context = { 'codecommit:References': references };
  if (references.length > 0 && !(await mayUse(exchange, repository.repositoryName, request, response, context))) return;
  const callerArn = principalArn(caller.principal);
  await notePush(house, caller, repository, callerArn);
  response.writeHead(200, { 'content-type': 'application/x-git-receive-pack-result', 'cache-control': 'no-cache' });
  const child = await house.runtime.start({
    command: ['git', 'receive-pack', '--stateless-rpc', path],
    cwd: path,
    env: gitEnv(exchange),
    label: `codecommit:${repository.repositoryId}`,
    stdin: 'pipe',
    onOutput: (stream, chunk) =>
      stream === 'stdout' && !response.write(chunk) && !response.destroyed
        ? new Promise<void>((resolve) => {
            response.once('drain', resolve);
            response.once('close', resolve);
          })
        : undefined,
  });
  let cutOff = false;
  try {
    await child.write?.(head);
    for await (const chunk of rest) await child.write?.(chunk);
  } catch {
    cutOff = true;
  }
  child.endInput?.();
  if (cutOff) await child.kill();
  await child.exited;
  await recordReferences(house, caller, repository, callerArn);
  if (cutOff) response.destroy();
  else response.end();
}

/** A pkt-line list of commands is at most this long; more is no push of git's. */
const COMMANDS_LIMIT = 16 * 1024 * 1024;

/**
 * The commands at the head of a push (`<old> <new> <reference>` pkt-lines up to the flush), with the bytes as they
 * came and what follows them.
 */
async function readCommands(
  source: Readable,
): Promise<{ head: Buffer; references: string[]; rest: AsyncIterable<Uint8Array> }> {
  const chunks = source[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const rest: AsyncIterable<Uint8Array> = { [Symbol.asyncIterator]: () => chunks };
  const references: string[] = [];
  let held = Buffer.alloc(0);
  let at = 0;
  for (;;) {
    while (held.length - at >= 4) {
      const length = Number.parseInt(held.subarray(at, at + 4).toString('latin1'), 16);
      if (Number.isNaN(length) || (length > 0 && length < 4)) return { head: held, references: [], rest };
      if (length === 0) return { head: held, references, rest };
      if (held.length - at < length) break;
      const line = held.subarray(at + 4, at + length).toString('utf8');
      const name = /^[0-9a-f]{40,64} [0-9a-f]{40,64} ([^\0\n]+)/.exec(line)?.[1];
      if (name !== undefined) references.push(name);
      at += length;
    }
    if (held.length > COMMANDS_LIMIT) return { head: held, references: [], rest };
    const next = await chunks.next().catch(() => ({ done: true as const, value: undefined }));
    if (next.done === true) return { head: held, references: [], rest };
    held = Buffer.concat([held, next.value]);
  }
}
