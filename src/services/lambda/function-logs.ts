/**
 * What functions print goes to CloudWatch Logs as the execution role: where the role may not write, there are no logs,
 * as in AWS. Lines gather for a few milliseconds and are written together, off the path of the invocation; a function
 * that prints faster than they are written is held back.
 */
import { Buffer } from 'node:buffer';
import { isAwsError, type Principal } from '../../common/index.ts';
import type { Client, House, Scope } from '../service.ts';
import { Gathering } from './gathering.ts';

const BATCH_BYTES = 900_000;
const BATCH_EVENTS = 9_000;
const EVENT_OVERHEAD_BYTES = 26;
const LONGEST_EVENT_BYTES = 256 * 1024;
const BATCH_SPAN_MS = 20 * 3_600_000;
/** Bytes waiting to be written from which on the function is held back. */
const FULL_BYTES = 2 * 1024 * 1024;
const TAIL_BYTES = 4_096;

export type LogStreamOptions = Readonly<{
  scope: Scope;
  group: string;
  stream: string;
  /** The execution role's session; asked anew for each batch, since sessions run out. Rejects: the batch is dropped. */
  principal: () => Promise<Principal>;
}>;

type LogEvent = Readonly<{ timestamp: number; message: string; bytes: number }>;

/** The log stream of one execution environment. */
export class FunctionLog {
  readonly #house: House;
  readonly #gathering: Gathering;
  readonly #options: LogStreamOptions;
  #rest = Buffer.alloc(0);
  #waiting: LogEvent[] = [];
  #waitingBytes = 0;
  #writing: Promise<void> | undefined;
  #tail: Buffer | undefined;
  /** How many pieces of output have come; tells when no more come. */
  pieces = 0;

  constructor(house: House, options: LogStreamOptions) {
    this.#house = house;
    this.#gathering = new Gathering(house);
    this.#options = options;
  }

  /** Output of the process, cut at line ends. The promise is pending while too much waits to be written. */
  output(chunk: Uint8Array): Promise<void> | void {
    this.pieces += 1;
    let bytes = this.#rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#rest, chunk]);
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10)) {
      this.#add(bytes.subarray(0, end));
      bytes = bytes.subarray(end + 1);
    }
    while (bytes.length > LONGEST_EVENT_BYTES) {
      this.#add(bytes.subarray(0, LONGEST_EVENT_BYTES));
      bytes = bytes.subarray(LONGEST_EVENT_BYTES);
    }
    this.#rest = Buffer.from(bytes);
    if (this.#waitingBytes > FULL_BYTES) return this.#writing;
  }

  /** A line of the platform's own, after whatever the process printed before it. */
  line(message: string): void {
    this.endLine();
    this.#add(Buffer.from(message));
  }

  /** What stands without a line end becomes a line. */
  endLine(): void {
    if (this.#rest.length === 0) return;
    const rest = this.#rest;
    this.#rest = Buffer.alloc(0);
    this.#add(rest);
  }

  /** From here on the last 4 KB are remembered. */
  startTail(): void {
    this.#tail = Buffer.alloc(0);
  }

  tail(): Buffer {
    return this.#tail ?? Buffer.alloc(0);
  }

  /** Resolves when all that was printed so far is written, or given up. */
  async flushed(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  #add(line: Buffer): void {
    const tail = this.#tail;
    if (tail !== undefined) this.#tail = Buffer.from(Buffer.concat([tail, line, NEWLINE]).subarray(-TAIL_BYTES));
    for (let from = 0; from < line.length; from += LONGEST_EVENT_BYTES) {
      const piece = line.subarray(from, from + LONGEST_EVENT_BYTES);
      // A line break within one message came as \r (see the bootstraps).
      const message = piece.toString('utf8').replace(/\r$/, '').replaceAll('\r', '\n');
      if (message === '') continue;
      const bytes = piece.length + EVENT_OVERHEAD_BYTES;
      this.#waiting.push({ timestamp: this.#house.clock.now(), message, bytes });
      this.#waitingBytes += bytes;
    }
    if (this.#waiting.length > 0) this.#writing ??= this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    const end = this.#house.engine.beginActivity('Plumbing');
    try {
      await this.#gathering.wait();
      while (this.#waiting.length > 0) await this.#write(this.#nextBatch());
    } catch (error) {
      this.#house.log.warn('logs of a function could not be written', {
        group: this.#options.group,
        error: String(error),
      });
      this.#waiting = [];
      this.#waitingBytes = 0;
    } finally {
      this.#writing = undefined;
      this.#gathering.done();
      end();
    }
  }

  #nextBatch(): LogEvent[] {
    let bytes = 0;
    let count = 0;
    const firstAt = this.#waiting[0]?.timestamp ?? 0;
    for (const event of this.#waiting) {
      if (count === BATCH_EVENTS || bytes + event.bytes > BATCH_BYTES || event.timestamp - firstAt > BATCH_SPAN_MS)
        break;
      bytes += event.bytes;
      count += 1;
    }
    const batch = this.#waiting.slice(0, Math.max(count, 1));
    this.#waiting = this.#waiting.slice(batch.length);
    this.#waitingBytes -= batch.reduce((sum, event) => sum + event.bytes, 0);
    return batch;
  }

  async #write(batch: readonly LogEvent[]): Promise<void> {
    try {
      const client = this.#house.door.as(await this.#options.principal(), this.#options.scope);
      const logEvents = batch.map(({ timestamp, message }) => ({ timestamp, message }));
      const put = (): Promise<unknown> => client.call('logs', 'PutLogEvents', { ...this.#names(), logEvents });
      try {
        await put();
      } catch (error) {
        if (!isAwsError(error, 'ResourceNotFoundException')) throw error;
        await this.#createStream(client);
        await put();
      }
    } catch (error) {
      // The role may not, or there is no service to write to: a function without logs.
      if (!isAwsError(error)) throw error;
    }
  }

  async #createStream(client: Client): Promise<void> {
    const { logGroupName, logStreamName } = this.#names();
    const make = async (operation: string, input: object): Promise<void> => {
      await client.call('logs', operation, input).catch((error: unknown) => {
        if (!isAwsError(error, 'ResourceAlreadyExistsException')) throw error;
      });
    };
    try {
      await make('CreateLogStream', { logGroupName, logStreamName });
    } catch (error) {
      if (!isAwsError(error, 'ResourceNotFoundException')) throw error;
      await make('CreateLogGroup', { logGroupName });
      await make('CreateLogStream', { logGroupName, logStreamName });
    }
  }

  #names(): Readonly<{ logGroupName: string; logStreamName: string }> {
    return { logGroupName: this.#options.group, logStreamName: this.#options.stream };
  }
}

const NEWLINE = Buffer.from('\n');
