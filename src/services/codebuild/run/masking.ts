/** Hides secrets in what a build prints and reports: each is replaced by `***`, exactly where it stands. */
export class Masker {
  #secrets: string[] = [];

  /** A secret of several lines is hidden line by line, as it is printed. Blank ones cannot be hidden. */
  add(...secrets: readonly string[]): void {
    const parts = secrets.flatMap((secret) => [secret, ...secret.split(/\r?\n/)]).filter((part) => part.trim() !== '');
    // The longest first: a secret that holds another must not be left in pieces.
    this.#secrets = [...new Set([...this.#secrets, ...parts])].sort((a, b) => b.length - a.length);
  }

  mask(text: string): string {
    let masked = text;
    for (const secret of this.#secrets) if (masked.includes(secret)) masked = masked.replaceAll(secret, '***');
    return masked;
  }

  /** Whether this very value is one. */
  isSecret(value: string): boolean {
    return value !== '' && this.#secrets.includes(value);
  }

  get longest(): number {
    return this.#secrets[0]?.length ?? 0;
  }
}
