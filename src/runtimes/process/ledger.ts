/**
 * The process ledger: one small file for each process that lives, so that the next run of Sluice can account for what a
 * crashed one left behind. An entry is written before the program starts (without a pid: the marker finds it), again
 * with the pid before the start is acknowledged, and removed when the whole tree has ended. Command lines and
 * environments are not written: they may hold secrets.
 */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

export type LedgerEntry = Readonly<{
  /** The marker that the process carries in its environment. */
  id: string;
  label: string;
  bootId: string;
  pid?: number;
  startedAt?: string;
}>;

export class Ledger {
  readonly #folder: string;

  /** Makes the folder when it is missing, for the owner alone. */
  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  /** Inserts or replaces; on the disk when it resolves, and never half written. */
  async write(entry: LedgerEntry): Promise<void> {
    const path = this.#path(entry.id);
    const file = await open(`${path}.new`, 'w', 0o600);
    try {
      await file.writeFile(JSON.stringify(entry));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(`${path}.new`, path);
  }

  async remove(id: string): Promise<void> {
    await rm(this.#path(id), { force: true });
  }

  /** What is written now; a file that cannot be read as an entry is dropped. */
  async entries(): Promise<LedgerEntry[]> {
    const entries: LedgerEntry[] = [];
    for (const name of readdirSync(this.#folder)) {
      const path = join(this.#folder, name);
      const entry = name.endsWith('.json') ? parse(readFileSync(path, 'utf8')) : undefined;
      if (entry === undefined) await rm(path, { force: true });
      else entries.push(entry);
    }
    return entries;
  }

  #path(id: string): string {
    return join(this.#folder, `${id}.json`);
  }
}

function parse(text: string): LedgerEntry | undefined {
  try {
    const entry = JSON.parse(text) as Partial<LedgerEntry>;
    return typeof entry.id === 'string' && typeof entry.label === 'string' && typeof entry.bootId === 'string'
      ? (entry as LedgerEntry)
      : undefined;
  } catch {
    return undefined;
  }
}
