/** Where a command says what it has to say: the terminal, or whoever calls it. */
export type Said = Readonly<{ out(text: string): void; amiss(text: string): void; exit(code: number): void }>;

export const toTerminal: Said = {
  out: (text) => void process.stdout.write(text),
  amiss: (text) => void process.stderr.write(text),
  exit: (code) => void (process.exitCode = code),
};
