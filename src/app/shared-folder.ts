/**
 * The shared folder: what several processes on one database must find in the same place, blobs and repositories and, where
 * it lies in a file, the master secret. It is the state folder unless said otherwise (`--shared`, `SLUICE_SHARED_DIR`).
 * The folder and the database know each other by an id, so that a process with another folder is refused before it
 * answers for objects whose bytes it does not have.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { collection, type Tx } from '../store/index.ts';
import { OptionError } from './config.ts';

const FILE = 'shared-folder';
const folders = collection<Readonly<{ id: string }>>('house.shared-folder');
const KEY = { account: '', region: '', id: 'shared-folder' };

/** `newId` names a folder that has no name yet. Throws `OptionError` where the database belongs to another folder. */
export async function checkSharedFolder(tx: Tx, dir: string, newId: () => string): Promise<void> {
  const known = (await folders.get(tx, KEY))?.document.id;
  const found = readId(dir);
  if (known === undefined) {
    const id = found ?? newId();
    if (found === undefined) {
      mkdirSync(dir, { recursive: true, mode: 0o700 });
      writeFileSync(join(dir, FILE), `${id}\n`, { mode: 0o600, flush: true });
    }
    await folders.put(tx, KEY, { id });
  } else if (known !== found) {
    throw new OptionError(
      `This database was used with another shared folder than ${dir}. Blobs and repositories lie there: name it in every process that uses the database, with --shared or SLUICE_SHARED_DIR.`,
    );
  }
}

function readId(dir: string): string | undefined {
  try {
    return readFileSync(join(dir, FILE), 'utf8').trim() || undefined;
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return undefined;
    throw error;
  }
}
