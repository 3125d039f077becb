/** The MD5 sums that clients check. Source: SQS Developer Guide, "Calculating the MD5 message digest for message attributes". */
import { createHash } from 'node:crypto';
import type { MessageAttributeValue } from '@aws-sdk/client-sqs';

export function md5(text: string): string {
  return createHash('md5').update(text, 'utf8').digest('hex');
}

/** Undefined without attributes. */
export function md5OfAttributes(
  attributes: Readonly<Record<string, MessageAttributeValue>> | undefined,
): string | undefined {
  const names = Object.keys(attributes ?? {}).sort();
  if (names.length === 0) return undefined;
  const hash = createHash('md5');
  const add = (bytes: Uint8Array): void => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.byteLength);
    hash.update(length).update(bytes);
  };
  for (const name of names) {
    const value = attributes?.[name];
    add(Buffer.from(name));
    add(Buffer.from(value?.DataType ?? ''));
    const binary = value?.DataType?.startsWith('Binary') === true;
    hash.update(Buffer.from([binary ? 2 : 1]));
    add(binary ? (value?.BinaryValue ?? new Uint8Array()) : Buffer.from(value?.StringValue ?? ''));
  }
  return hash.digest('hex');
}
