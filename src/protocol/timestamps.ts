/** Instants on the wire. Smithy, "timestampFormat trait"; AWS restJson1 and restXml bindings name the default of each place. */
import type { TimestampFormat } from './model.ts';

/** Undefined when `text` is no instant of that format. ISO texts may have an offset; fractions below a millisecond are dropped. */
export function parseTimestamp(text: string, format: TimestampFormat): Date | undefined {
  switch (format) {
    case 'unixTimestamp':
      return /^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(text) ? dateOf(Number(text) * 1000) : undefined;
    case 'iso8601':
      return ISO.test(text) ? dateOf(Date.parse(text.replace(FRACTION, '$1'))) : undefined;
    case 'rfc822':
      // HTTP dates; S3 takes ISO 8601 there too.
      return RFC822.test(text) || ISO.test(text) ? dateOf(Date.parse(text)) : undefined;
  }
}

const ISO = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$/i;
const FRACTION = /(\.\d{3})\d+/;
const RFC822 = /^[A-Za-z]{3,9}, ?\d{1,2}[ -][A-Za-z]{3}[ -]\d{2,4} \d\d:\d\d:\d\d(\.\d+)? (GMT|UTC|[+-]\d{4})$/;

/** From epoch milliseconds; undefined outside what a Date can hold. */
export function dateOf(ms: number): Date | undefined {
  const date = new Date(Math.round(ms));
  return Number.isNaN(date.getTime()) ? undefined : date;
}

/** A handler may give a Date or epoch milliseconds. */
export function epochMsOf(value: unknown): number {
  if (typeof value === 'number') return value;
  if (value instanceof Date) return value.getTime();
  return Date.parse(String(value));
}

export function formatTimestamp(value: unknown, format: TimestampFormat): string {
  const ms = epochMsOf(value);
  switch (format) {
    case 'unixTimestamp':
      return String(Math.round(ms) / 1000);
    case 'iso8601': {
      const text = new Date(ms).toISOString();
      return text.endsWith('.000Z') ? `${text.slice(0, -5)}Z` : text;
    }
    case 'rfc822':
      return new Date(ms).toUTCString();
  }
}
