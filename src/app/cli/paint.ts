/** Colour for people at a terminal, and none for anybody else. */
export type Paint = Readonly<{
  good(text: string): string;
  bad(text: string): string;
  warn(text: string): string;
  faint(text: string): string;
  strong(text: string): string;
}>;

/** Source: no-color.org: any value of NO_COLOR but the empty one turns colour off. */
export function paintFor(stream: Readonly<{ isTTY?: boolean }>, noColor: string | undefined): Paint {
  const code = (on: number, off: number) => (text: string) =>
    stream.isTTY === true && (noColor ?? '') === '' ? `\u001B[${on}m${text}\u001B[${off}m` : text;
  return { good: code(32, 39), bad: code(31, 39), warn: code(33, 39), faint: code(2, 22), strong: code(1, 22) };
}
