/**
 * The main thread's end of PGlite's worker: calls with an answer, and a stream that a `pg` client takes for its socket.
 *
 * Messages to the worker: `{ id, call, ...arguments }` for `open`, `dump`, `sync`, `close`, answered by `{ id, error? }`;
 * `{ bytes }` carries whole protocol messages and is answered by `{ bytes }`.
 */
import { Duplex } from 'node:stream';
import type { Worker } from 'node:worker_threads';

/** `R` AuthenticationOk, then `Z` ReadyForQuery, idle: the answer to a startup message. PGlite has no sessions to start. */
const WELCOME = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0, 0x5a, 0, 0, 0, 5, 0x49]);
const TERMINATE = 0x58;

type Answer = { id?: number; error?: string; bytes?: Uint8Array };

export class WorkerLink {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, { resolve: () => void; reject: (error: Error) => void }>();
  #stream: WorkerStream | undefined;
  #nextId = 1;
  #gone: Error | undefined;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.on('message', (answer: Answer) => this.#onMessage(answer));
    worker.on('error', (error) => this.#fail(error));
    worker.on('exit', (code) => this.#fail(new Error(`PGlite's worker ended (${code})`)));
  }

  call(name: 'open' | 'dump' | 'sync' | 'close', args: Readonly<Record<string, unknown>>): Promise<void> {
    if (this.#gone !== undefined) return Promise.reject(this.#gone);
    return new Promise((resolve, reject) => {
      const id = this.#nextId++;
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, call: name, ...args });
    });
  }

  /** A new connection. One at a time: there is one session behind it. */
  stream(): Duplex {
    this.#stream = new WorkerStream((bytes) => {
      if (this.#gone !== undefined) throw this.#gone;
      this.#worker.postMessage({ bytes });
    });
    return this.#stream;
  }

  async close(): Promise<void> {
    if (this.#gone === undefined) await this.call('close', {}).catch(() => {});
    this.#gone ??= new Error('PGlite is closed');
    await this.#worker.terminate();
  }

  #onMessage(answer: Answer): void {
    if (answer.bytes !== undefined) {
      this.#stream?.receive(answer.bytes);
      return;
    }
    const waiter = this.#waiting.get(answer.id ?? 0);
    this.#waiting.delete(answer.id ?? 0);
    if (answer.error === undefined) waiter?.resolve();
    else if (waiter === undefined) this.#fail(new Error(answer.error));
    else waiter.reject(new Error(answer.error));
  }

  #fail(error: Error): void {
    this.#gone ??= error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
    this.#stream?.destroy(error);
  }
}

/** What `pg` needs of a socket: `connect`, the no-op settings, and bytes both ways. */
class WorkerStream extends Duplex {
  readonly #send: (bytes: Uint8Array) => void;
  #started = false;

  constructor(send: (bytes: Uint8Array) => void) {
    super({ allowHalfOpen: false });
    this.#send = send;
  }

  connect(): this {
    setImmediate(() => this.emit('connect'));
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  receive(bytes: Uint8Array): void {
    if (!this.destroyed) this.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  }

  override _read(): void {
    // Answers are pushed as they come.
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#forward(chunk, done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.#forward(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.push(null);
    done();
  }

  #forward(bytes: Buffer, done: (error?: Error | null) => void): void {
    try {
      if (!this.#started) {
        // The first message has no type; nothing follows it before it is answered.
        this.#started = true;
        this.push(WELCOME);
      } else if (bytes[0] !== TERMINATE) {
        this.#send(new Uint8Array(bytes));
      }
      done();
    } catch (error) {
      done(error as Error);
    }
  }
}
