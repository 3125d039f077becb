/**
 * Which object events a destination hears of.
 * Source: S3 User Guide, "Configuring event notifications using object key name filtering".
 */
export type EventFilter = Readonly<{
  /** `s3:ObjectCreated:*`, `s3:ObjectRemoved:Delete`. */
  events: readonly string[];
  prefix?: string;
  suffix?: string;
}>;

/** `event` without `s3:`: `ObjectCreated:Put`. */
export function covers(filter: EventFilter, event: string, key: string): boolean {
  return (
    filter.events.some((pattern) => matches(pattern, event)) &&
    key.startsWith(filter.prefix ?? '') &&
    key.endsWith(filter.suffix ?? '')
  );
}

/** Whether some object event would be covered by both, which S3 refuses to be told. */
export function overlap(a: EventFilter, b: EventFilter): boolean {
  const sameEvents = a.events.some((one) =>
    b.events.some((other) => one === other || matches(one, other.slice(3)) || matches(other, one.slice(3))),
  );
  return sameEvents && either(a.prefix, b.prefix, startsWith) && either(a.suffix, b.suffix, endsWith);
}

function matches(pattern: string, event: string): boolean {
  const text = pattern.slice(3);
  return text.endsWith('*') ? event.startsWith(text.slice(0, -1)) : text === event;
}

function either(a = '', b = '', test: (whole: string, part: string) => boolean): boolean {
  return test(a, b) || test(b, a);
}

function startsWith(whole: string, part: string): boolean {
  return whole.startsWith(part);
}

function endsWith(whole: string, part: string): boolean {
  return whole.endsWith(part);
}
