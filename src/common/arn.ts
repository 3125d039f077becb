/** Amazon Resource Names: `arn:partition:service:region:account:resource`. */
export type Arn = Readonly<{ partition: string; service: string; region: string; account: string; resource: string }>;

export function formatArn(service: string, region: string, account: string, resource: string): string {
  return `arn:aws:${service}:${region}:${account}:${resource}`;
}

/** Undefined when `text` is not an ARN; the resource may hold further colons. */
export function parseArn(text: string): Arn | undefined {
  const parts = text.split(':');
  if (parts.length < 6 || parts[0] !== 'arn') return undefined;
  const [, partition = '', service = '', region = '', account = ''] = parts;
  return { partition, service, region, account, resource: parts.slice(5).join(':') };
}
