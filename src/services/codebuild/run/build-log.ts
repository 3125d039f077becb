/**
 * The log of a build, written as it comes: to CloudWatch Logs with the service role's session, in batches at most
 * 250 ms old, and, where the project says so, to a file that goes to S3 at the end.
 *
 * A build that prints faster than the log takes it is held back: `output` returns a promise while more than
 * `HELD_BYTES` wait. Past `LIMIT_BYTES` the build's output is read and dropped, and one line says so; what CodeBuild itself
 * tells (`[Container] ...`) is always kept. Differs from AWS: there is no such limit there.
 */
import { appendFile } from 'node:fs/promises';
import { StringDecoder } from 'node:string_decoder';
import { type Clock, isAwsError } from '../../../common/index.ts';
import type { Client, House } from '../../service.ts';
import type { Masker } from './masking.ts';

const BATCH_DELAY_MS = 250;
const BATCH_EVENTS = 10_000;
/** PutLogEvents takes 1,048,576 bytes, counting 26 for each event. */
const BATCH_BYTES = 1_000_000;
const EVENT_OVERHEAD = 26;
const HELD_BYTES = 2_000_000;
const LINE_BYTES = 200_000;
export const LIMIT_BYTES = 20 * 1024 * 1024;

type LogEvent = Readonly<{ timestamp: number; message: string; bytes: number }>;

export class BuildLog {
  readonly #house: House;
  readonly #clock: Clock;
  readonly #masker: Masker;
  readonly #client: () => Promise<Client>;
  readonly #target: Readonly<{ groupName: string; streamName: string }> | undefined;
  readonly #file: string | undefined;
  readonly #decoder = new StringDecoder('utf8');
  #line = '';
  #events: LogEvent[] = [];
  #heldBytes = 0;
  #outputBytes = 0;
  #sending: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #broken = false;

  constructor(
    options: Readonly<{
      house: House;
      masker: Masker;
      client: () => Promise<Client>;
      /** Absent: nothing goes to CloudWatch Logs. */
      target?: Readonly<{ groupName: string; streamName: string }>;
      /** Where the text is kept for S3; absent: nowhere. */
      file?: string;
    }>,
  ) {
    this.#house = options.house;
    this.#clock = options.house.clock;
    this.#masker = options.masker;
    this.#client = options.client;
    this.#target = options.target;
    this.#file = options.file;
  }

  /** Creates the stream, and the group if it is not there. Throws what the service answers. */
  async open(): Promise<void> {
    if (this.#target === undefined) return;
    const client = await this.#client();
    const { groupName, streamName } = this.#target;
    try {
      await client.call('logs', 'CreateLogStream', { logGroupName: groupName, logStreamName: streamName });
    } catch (error) {
      if (isAwsError(error, 'ResourceAlreadyExistsException')) return;
      if (!isAwsError(error, 'ResourceNotFoundException')) throw error;
      await client.call('logs', 'CreateLogGroup', { logGroupName: groupName }).catch((failure: unknown) => {
        if (!isAwsError(failure, 'ResourceAlreadyExistsException')) throw failure;
      });
      await client.call('logs', 'CreateLogStream', { logGroupName: groupName, logStreamName: streamName });
    }
  }

  /** A line of CodeBuild's own. */
  container(text: string): void {
    this.#endLine();
    const stamp = new Date(this.#clock.now()).toISOString();
    const time = `${stamp.slice(0, 10).replaceAll('-', '/')} ${stamp.slice(11, 23)}000`;
    this.#keep(`[Container] ${time} ${text}\n`);
  }

  /** Output of a command. Await what it returns before reading more. */
  output(chunk: Uint8Array | string): Promise<void> | undefined {
    if (this.#outputBytes > LIMIT_BYTES) return undefined;
    const text =
      typeof chunk === 'string'
        ? chunk
        : this.#decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    this.#outputBytes += text.length;
    const lines = (this.#line + text).split('\n');
    this.#line = lines.pop() ?? '';
    for (const line of lines) this.#keepLong(`${line}\n`);
    if (this.#line.length > LINE_BYTES) this.#line = this.#keepMost(this.#line);
    if (this.#outputBytes > LIMIT_BYTES) {
      this.container(
        `Sluice keeps ${LIMIT_BYTES / 1024 / 1024} MiB of the output of a build: what its commands print from here on is dropped`,
      );
    }
    if (this.#heldBytes <= HELD_BYTES) return undefined;
    return this.#send();
  }

  /** Resolves when everything so far is written. */
  async flush(): Promise<void> {
    this.#endLine();
    while (this.#events.length > 0 || this.#sending !== undefined) await this.#send();
  }

  /** Drops what waits and writes nothing more. */
  abandon(): void {
    clearTimeout(this.#timer);
    this.#broken = true;
    this.#events = [];
    this.#heldBytes = 0;
  }

  #endLine(): void {
    if (this.#line === '') return;
    const line = this.#line;
    this.#line = '';
    this.#keepLong(`${line}\n`);
  }

  #keepLong(line: string): void {
    let rest = this.#masker.mask(line);
    for (; rest.length > LINE_BYTES; rest = rest.slice(LINE_BYTES)) this.#keep(rest.slice(0, LINE_BYTES), true);
    this.#keep(rest, true);
  }

  /** Of a line without end, all but what may be the beginning of a secret. */
  #keepMost(line: string): string {
    const masked = this.#masker.mask(line);
    const cut = Math.max(1, masked.length - Math.max(0, this.#masker.longest - 1));
    this.#keepLong(masked.slice(0, cut));
    return masked.slice(cut);
  }

  #keep(text: string, masked = false): void {
    const message = masked ? text : this.#masker.mask(text);
    if (this.#broken || message === '') return;
    const bytes = Buffer.byteLength(message) + EVENT_OVERHEAD;
    this.#events.push({ timestamp: this.#clock.now(), message, bytes });
    this.#heldBytes += bytes;
    this.#timer ??= setTimeout(() => void this.#send(), BATCH_DELAY_MS);
  }

  #send(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined;
    });
    return this.#sending;
  }

  async #sendAll(): Promise<void> {
    const endActivity = this.#house.engine.beginActivity('Plumbing');
    try {
      while (this.#events.length > 0) {
        const batch = this.#nextBatch();
        await this.#write(batch);
      }
    } finally {
      endActivity();
    }
  }

  #nextBatch(): LogEvent[] {
    let bytes = 0;
    let count = 0;
    for (const event of this.#events) {
      if (count === BATCH_EVENTS || (count > 0 && bytes + event.bytes > BATCH_BYTES)) break;
      bytes += event.bytes;
      count += 1;
    }
    const batch = this.#events.slice(0, count);
    this.#events = this.#events.slice(count);
    this.#heldBytes -= bytes;
    return batch;
  }

  /** A log that cannot be written does not fail the build; it is told once, in Sluice's own log. */
  async #write(batch: readonly LogEvent[]): Promise<void> {
    if (this.#broken) return;
    try {
      if (this.#file !== undefined) await appendFile(this.#file, batch.map(({ message }) => message).join(''));
      if (this.#target === undefined) return;
      const client = await this.#client();
      await client.call('logs', 'PutLogEvents', {
        logGroupName: this.#target.groupName,
        logStreamName: this.#target.streamName,
        logEvents: batch.map(({ timestamp, message }) => ({ timestamp, message })),
      });
    } catch (error) {
      this.abandon();
      this.#house.log.warn('the log of a build cannot be written', { ...this.#target, error: String(error) });
    }
  }
}
