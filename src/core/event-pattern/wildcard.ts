/** `*` for any run of characters, `\*` and `\\` for themselves. Greedy by pieces, so linear: nothing backtracks. */
export function compileWildcard(pattern: string): ((text: string) => boolean) | undefined {
  const pieces = [''];
  for (let i = 0; i < pattern.length; i++) {
    const character = pattern[i] ?? '';
    if (character === '\\') {
      const next = pattern[i + 1];
      if (next !== '*' && next !== '\\') return undefined;
      pieces[pieces.length - 1] += next;
      i += 1;
    } else if (character === '*') {
      if (pattern[i + 1] === '*') return undefined;
      pieces.push('');
    } else pieces[pieces.length - 1] += character;
  }
  if (pieces.length === 1) return (text) => text === pieces[0];
  const first = pieces[0] ?? '';
  const last = pieces.at(-1) ?? '';
  const middle = pieces.slice(1, -1);
  return (text) => {
    if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false;
    let from = first.length;
    for (const piece of middle) {
      const found = text.indexOf(piece, from);
      if (found < 0 || found + piece.length > text.length - last.length) return false;
      from = found + piece.length;
    }
    return true;
  };
}
