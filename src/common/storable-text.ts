/**
 * Text as PostgreSQL can hold it: its `text` and `jsonb` know neither U+0000 nor a surrogate without its pair. For text
 * that is nobody's request to refuse (what a program prints, what a template makes, the audit of a refused call).
 */
import type { Json } from './json.ts';

const UNSTORABLE = /\0|\p{Surrogate}/gu;

export function storableText(text: string): string {
  return text.replaceAll(UNSTORABLE, '\uFFFD');
}

/** The same for every string of a value, names of members included. */
export function storableJson(value: Json): Json {
  if (typeof value === 'string') return storableText(value);
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return (value as readonly Json[]).map(storableJson);
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      storableText(name),
      member === undefined ? member : storableJson(member),
    ]),
  );
}
