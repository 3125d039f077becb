/**
 * An execution environment: one process of a function, and the Runtime API listener that feeds it.
 *
 *   Starting ── asks for work ──▶ Ready ── invoke() ──▶ Busy ── answers ──▶ Answered ── asks for work ──▶ Ready
 *       └── exits, fails, idle too long, retired, times out: from any state ──▶ Ended   (final)
 *
 * It runs one invocation at a time. Whatever the process does (hangs, exits, answers twice, answers for another
 * invocation, speaks no HTTP), `invoke` resolves with an outcome in time; it never rejects for the function's doing.
 * Source: Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes", "Lambda execution environment".
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFile } from 'node:fs/promises';
import type { ProcessExit, ProcessHandle, Runtime } from '../runtime.ts';

/** Source: Lambda Developer Guide, "Lambda quotas": 6 MB, and what the service counts beside the payload. */
export const MAX_RESPONSE_BYTES = 6_291_556;
const INIT_LIMIT_MS = 10_000;

export type FunctionProcess = Readonly<{
  command: readonly [string, ...string[]];
  cwd: string;
  env: Readonly<Record<string, string>>;
  label: string;
}>;

export type Invocation = Readonly<{
  requestId: string;
  payload: Uint8Array;
  /** The ARN that the caller named, qualifier included. */
  invokedFunctionArn: string;
  timeoutMs: number;
  /** JSON, decoded from the header's base64. */
  clientContext?: string;
  traceId?: string;
  /** Called when the function is given the event; not at all when it never asks for one. */
  onDelivered?: () => void;
}>;

export type InvocationOutcome = Readonly<{
  payload: Uint8Array;
  /** True when the payload describes an error. */
  failed: boolean;
  /** The error is the platform's finding (timeout, exit), not the runtime's report: `Task timed out after 3.00 seconds`. */
  platformMessage?: string;
  errorType?: string;
  /** Real milliseconds in the handler. */
  durationMs: number;
  /** Set on the first invocation of an environment: real milliseconds from the start to the first request for work. */
  initMs?: number;
  maxMemoryMb: number;
}>;

export type EnvironmentOptions = Readonly<{
  runtime: Runtime;
  /** The machine's time, for the deadline that the function is told. */
  wallNow: () => number;
  process: FunctionProcess;
  onOutput: (chunk: Uint8Array) => void | Promise<void>;
  onEnded: () => void;
}>;

type Running = {
  invocation: Invocation;
  startedAt: number;
  delivered: boolean;
  timer: NodeJS.Timeout | undefined;
  resolve: (outcome: InvocationOutcome) => void;
};

export class ExecutionEnvironment {
  readonly #options: EnvironmentOptions;
  readonly #server: Server;
  #handle: ProcessHandle | undefined;
  /** The response that `next` waits on. */
  #waiting: ServerResponse | undefined;
  #running: Running | undefined;
  #initMs: number | undefined;
  #initFault: Readonly<{ body: Uint8Array; errorType: string }> | undefined;
  #startedAt = 0;
  #initReported = false;
  #maxMemoryMb = 0;
  #ended = false;
  #exit: ProcessExit = { exitCode: null, signal: 'SIGKILL' };
  #closed: Promise<void> | undefined;
  #readyWaiters: ((ready: boolean) => void)[] = [];

  private constructor(options: EnvironmentOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => void this.#answer(request, response));
    this.#server.keepAliveTimeout = 0;
    this.#server.requestTimeout = 0;
    this.#server.headersTimeout = 0;
    this.#server.timeout = 0;
    this.#server.on('clientError', (_error, socket) => {
      if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
      socket.destroy();
    });
  }

  /**
   * Starts the process; does not wait for it to be ready. Rejects when it cannot be started at all (`ENOENT`, `EACCES`).
   */
  static async start(options: EnvironmentOptions): Promise<ExecutionEnvironment> {
    const environment = new ExecutionEnvironment(options);
    await environment.#open();
    return environment;
  }

  /** Waits for work: an invocation starts at once. */
  get ready(): boolean {
    return this.#waiting !== undefined && this.#running === undefined && !this.#ended;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** True when it becomes ready within `limitMs` real milliseconds; false when it ends, or is not. */
  whenReady(limitMs: number): Promise<boolean> {
    if (this.ready) return Promise.resolve(true);
    if (this.#ended) return Promise.resolve(false);
    return new Promise((resolve) => {
      const timer = setTimeout(() => settle(false), limitMs);
      const settle = (ready: boolean): void => {
        clearTimeout(timer);
        this.#readyWaiters = this.#readyWaiters.filter((waiter) => waiter !== settle);
        resolve(ready);
      };
      this.#readyWaiters.push(settle);
    });
  }

  /** One at a time: throws when an invocation is under way. Resolves in any case, see above. */
  invoke(invocation: Invocation): Promise<InvocationOutcome> {
    if (this.#running !== undefined) throw new Error('the execution environment is busy');
    return new Promise((resolve) => {
      const running: Running = {
        invocation,
        startedAt: performance.now(),
        delivered: false,
        timer: undefined,
        resolve,
      };
      this.#running = running;
      if (this.#initFault !== undefined) this.#failAtInit();
      else if (this.#ended) this.#fail(exitFault(invocation.requestId, this.#exit));
      else if (this.#waiting === undefined) {
        // Still starting. Differs from AWS: a start that exceeds ten seconds is not begun anew; the function's own
        // timeout runs from there.
        const leftMs = Math.max(0, INIT_LIMIT_MS - (performance.now() - this.#startedAt));
        running.timer = setTimeout(() => {
          running.startedAt = performance.now();
          running.timer = setTimeout(() => this.#timeOut(), invocation.timeoutMs);
        }, leftMs);
      } else this.#deliver();
    });
  }

  /** Ends the process and its whole tree; an invocation under way fails. Resolves when all is gone. */
  end(graceMs = 0): Promise<void> {
    this.#closed ??= this.#end(graceMs);
    return this.#closed;
  }

  async #open(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(0, '127.0.0.1', resolve);
    });
    const { port } = this.#server.address() as AddressInfo;
    const { process: program, runtime, onOutput } = this.#options;
    this.#startedAt = performance.now();
    try {
      this.#handle = await runtime.start({
        command: program.command,
        cwd: program.cwd,
        env: { ...program.env, AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${port}` },
        label: program.label,
        onOutput: (_stream, chunk) => onOutput(chunk),
      });
    } catch (error) {
      this.#closeServer();
      throw error;
    }
    void this.#handle.exited.then((exit) => this.#exited(exit));
  }

  // The Runtime API

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.on('error', () => {});
    response.on('error', () => {});
    const path = request.url ?? '';
    const route = /^\/2018-06-01\/runtime\/(?:invocation\/(?:(next)|([^/]+)\/(response|error))|(init\/error))$/.exec(
      path,
    );
    if (route === null)
      return reply(request, response, 404, { errorType: 'NotFound', errorMessage: `404 page not found` });
    if (route[1] !== undefined)
      return request.method === 'GET' ? this.#next(request, response) : notAllowed(request, response);
    if (request.method !== 'POST') return notAllowed(request, response);
    const body = await readBody(request);
    if (body === undefined) return;
    const errorType = header(request, 'lambda-runtime-function-error-type');
    if (route[4] !== undefined) return this.#initError(request, response, body, errorType);
    return this.#result(request, response, route[2] ?? '', route[3] === 'error', body, errorType);
  }

  #next(request: IncomingMessage, response: ServerResponse): void {
    if (this.#waiting !== undefined || this.#running?.delivered === true)
      return reply(request, response, 403, INVALID_TRANSITION);
    this.#initMs ??= performance.now() - this.#startedAt;
    this.#waiting = response;
    response.once('close', () => {
      if (this.#waiting === response) this.#waiting = undefined;
    });
    if (this.#running !== undefined) this.#deliver();
    else this.#tellReady(true);
  }

  #deliver(): void {
    const running = this.#running;
    const response = this.#waiting;
    if (running === undefined || response === undefined) return;
    clearTimeout(running.timer);
    const { invocation } = running;
    this.#waiting = undefined;
    running.delivered = true;
    running.startedAt = performance.now();
    running.timer = setTimeout(() => this.#timeOut(), invocation.timeoutMs);
    invocation.onDelivered?.();
    response.writeHead(200, {
      'Content-Type': 'application/json',
      'Content-Length': invocation.payload.byteLength,
      'Lambda-Runtime-Aws-Request-Id': invocation.requestId,
      'Lambda-Runtime-Deadline-Ms': String(Math.round(this.#options.wallNow() + invocation.timeoutMs)),
      'Lambda-Runtime-Invoked-Function-Arn': invocation.invokedFunctionArn,
      ...(invocation.traceId === undefined ? {} : { 'Lambda-Runtime-Trace-Id': invocation.traceId }),
      ...(invocation.clientContext === undefined ? {} : { 'Lambda-Runtime-Client-Context': invocation.clientContext }),
    });
    response.end(invocation.payload);
  }

  #result(
    request: IncomingMessage,
    response: ServerResponse,
    requestId: string,
    failed: boolean,
    body: Body,
    errorType: string | undefined,
  ): void {
    const running = this.#running;
    if (running?.delivered !== true) return reply(request, response, 403, INVALID_TRANSITION);
    if (requestId !== running.invocation.requestId)
      return reply(request, response, 400, { errorType: 'InvalidRequestID', errorMessage: 'Invalid request ID' });
    if (body.tooLarge) {
      reply(request, response, 413, {
        errorType: 'RequestEntityTooLarge',
        errorMessage: `Exceeded maximum allowed payload size (${MAX_RESPONSE_BYTES} bytes).`,
      });
      const message = `Response payload size exceeded maximum allowed payload size (${MAX_RESPONSE_BYTES} bytes).`;
      return this.#settle({
        ...fault('Function.ResponseSizeTooLarge', message),
        errorType: 'Function.ResponseSizeTooLarge',
      });
    }
    reply(request, response, 202, { status: 'OK' });
    // A streamed response tells its failure in a trailer.
    const trailer = request.trailers['lambda-runtime-function-error-type'];
    const type = errorType ?? trailer;
    this.#settle({
      payload: body.bytes,
      failed: failed || trailer !== undefined,
      ...(type === undefined ? {} : { errorType: type }),
    });
  }

  #initError(request: IncomingMessage, response: ServerResponse, body: Body, errorType: string | undefined): void {
    if (this.#initMs !== undefined) return reply(request, response, 403, INVALID_TRANSITION);
    this.#initFault = { body: body.bytes, errorType: errorType ?? 'Runtime.Unknown' };
    reply(request, response, 202, { status: 'OK' });
    this.#failAtInit();
  }

  // Outcomes

  #failAtInit(): void {
    if (this.#initFault === undefined) return;
    const { body, errorType } = this.#initFault;
    this.#settle({ payload: body, failed: true, errorType });
    void this.end(500);
  }

  #timeOut(): void {
    const running = this.#running;
    if (running === undefined) return;
    const message = `Task timed out after ${(running.invocation.timeoutMs / 1000).toFixed(2)} seconds`;
    this.#fail({ errorType: 'Sandbox.Timedout', message, requestId: running.invocation.requestId });
    void this.end();
  }

  #exited(exit: ProcessExit): void {
    this.#exit = exit;
    if (this.#initFault !== undefined) this.#failAtInit();
    if (this.#running !== undefined) this.#fail(exitFault(this.#running.invocation.requestId, exit));
    void this.end();
  }

  #fail(found: Fault): void {
    this.#settle({
      ...fault(found.errorType, `RequestId: ${found.requestId} Error: ${found.message}`),
      errorType: found.errorType,
      platformMessage: found.message,
    });
  }

  #settle(outcome: Pick<InvocationOutcome, 'payload' | 'failed' | 'platformMessage' | 'errorType'>): void {
    const running = this.#running;
    if (running === undefined) return;
    this.#running = undefined;
    clearTimeout(running.timer);
    const initMs = this.#initReported ? undefined : this.#initMs;
    this.#initReported = true;
    running.resolve({
      ...outcome,
      durationMs: performance.now() - running.startedAt,
      ...(initMs === undefined ? {} : { initMs }),
      maxMemoryMb: this.#maxMemoryMb,
    });
    void this.#measure();
  }

  /** Looked up after each invocation, for the report of the next, so that no invocation waits for it. */
  async #measure(): Promise<void> {
    if (this.#ended || process.platform !== 'linux') return;
    const status = await readFile(`/proc/${this.#handle?.pid}/status`, 'latin1').catch(() => '');
    const peakKb = Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0);
    this.#maxMemoryMb = Math.max(this.#maxMemoryMb, Math.ceil(peakKb / 1024));
  }

  #tellReady(ready: boolean): void {
    for (const waiter of this.#readyWaiters) waiter(ready);
  }

  async #end(graceMs: number): Promise<void> {
    this.#ended = true;
    await this.#handle?.kill(graceMs);
    this.#closeServer();
    if (this.#running !== undefined) this.#fail(exitFault(this.#running.invocation.requestId, this.#exit));
    this.#tellReady(false);
    this.#options.onEnded();
  }

  #closeServer(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

type Fault = Readonly<{ errorType: string; message: string; requestId: string }>;
type Body = Readonly<{ bytes: Uint8Array; tooLarge: boolean }>;

const INVALID_TRANSITION = { errorType: 'InvalidStateTransition', errorMessage: 'State transition is not allowed' };

export function fault(errorType: string, errorMessage: string): Readonly<{ payload: Uint8Array; failed: true }> {
  return { payload: Buffer.from(JSON.stringify({ errorType, errorMessage })), failed: true };
}

function exitFault(requestId: string, exit: ProcessExit): Fault {
  const message =
    exit.signal !== null
      ? `Runtime exited with error: signal: ${SIGNAL_WORDS[exit.signal] ?? exit.signal.toLowerCase()}`
      : exit.exitCode === 0
        ? 'Runtime exited without providing a reason'
        : `Runtime exited with error: exit status ${exit.exitCode}`;
  return { errorType: 'Runtime.ExitError', message, requestId };
}

/** As Go words them, in which the service is written. */
const SIGNAL_WORDS: Readonly<Record<string, string>> = {
  SIGABRT: 'aborted',
  SIGILL: 'illegal instruction',
  SIGINT: 'interrupt',
  SIGKILL: 'killed',
  SIGSEGV: 'segmentation fault',
  SIGTERM: 'terminated',
};

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** At most a response's limit is kept; the rest is read and dropped, so that the sender hears the answer. */
async function readBody(request: IncomingMessage): Promise<Body | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      length += chunk.byteLength;
      if (length <= MAX_RESPONSE_BYTES) chunks.push(chunk);
      else chunks.length = 0;
    }
  } catch {
    return undefined; // the connection broke: there is nobody to answer
  }
  return { bytes: Buffer.concat(chunks), tooLarge: length > MAX_RESPONSE_BYTES };
}

function notAllowed(request: IncomingMessage, response: ServerResponse): void {
  reply(request, response, 405, { errorType: 'MethodNotAllowed', errorMessage: 'method not allowed' });
}

function reply(request: IncomingMessage, response: ServerResponse, status: number, value: object): void {
  if (!request.complete) request.resume();
  const body = Buffer.from(JSON.stringify(value));
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': body.byteLength });
  response.end(body);
}
