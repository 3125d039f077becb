/** The demo's live timeline: each line with the simulated and the real time that has passed. */
export class Timeline {
  readonly #write: (text: string) => void;
  readonly #colour: boolean;
  readonly #realStart = performance.now();
  #simulatedStart: number | undefined;
  #simulatedNow = 0;

  constructor(write: (text: string) => void, colour: boolean) {
    this.#write = write;
    this.#colour = colour;
  }

  /** Tells what the server's clock says. */
  at(simulatedMs: number): void {
    this.#simulatedStart ??= simulatedMs;
    this.#simulatedNow = simulatedMs;
  }

  heading(text: string): void {
    this.#write(`\n${this.#paint('1', text)}\n`);
  }

  line(subject: string, text: string, tone: 'plain' | 'good' | 'bad' | 'dim' = 'plain'): void {
    const code = { plain: '0', good: '32', bad: '31', dim: '2' }[tone];
    this.#write(`${this.#paint('2', this.#stamp())}  ${subject.padEnd(9)} ${this.#paint(code, text)}\n`);
  }

  plain(text: string): void {
    this.#write(`${text}\n`);
  }

  realSeconds(): number {
    return (performance.now() - this.#realStart) / 1000;
  }

  #stamp(): string {
    const simulated = Math.round((this.#simulatedNow - (this.#simulatedStart ?? this.#simulatedNow)) / 1000);
    const minutes = String(Math.floor(simulated / 60)).padStart(2, '0');
    return `${minutes}:${String(simulated % 60).padStart(2, '0')}  ${this.realSeconds().toFixed(1).padStart(5)}s`;
  }

  #paint(code: string, text: string): string {
    return this.#colour && code !== '0' ? `\u001B[${code}m${text}\u001B[0m` : text;
  }
}
