/**
 * A secret of 32 random bytes in a file of mode 0600, made when it is first asked for. Written whole under another name and
 * linked into place, fsynced with its folder: no reader ever sees half a secret, and none gets lost after use.
 */
import { link, mkdir, open, readFile, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';

const BYTES = 32;

/** `random` gives fresh bytes, `name` a text that no other process draws. */
export async function openSecretFile(
  path: string,
  source: Readonly<{ random: (bytes: number) => Uint8Array; name: () => string }>,
): Promise<Buffer> {
  const found = await readSecret(path);
  if (found !== undefined) return found;
  const folder = dirname(path);
  await mkdir(folder, { recursive: true });
  const draft = `${path}.${source.name()}`;
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(source.random(BYTES));
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    await link(draft, path);
  } catch (error) {
    // Somebody else was first: theirs it is.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await unlink(draft);
  }
  const handle = await open(folder, 'r');
  await handle.sync().finally(() => handle.close());
  const made = await readSecret(path);
  if (made === undefined) throw new Error(`${path} vanished while it was made`);
  return made;
}

async function readSecret(path: string): Promise<Buffer | undefined> {
  try {
    const secret = await readFile(path);
    if (secret.length !== BYTES) throw new Error(`${path} holds ${secret.length} bytes, not ${BYTES}`);
    return secret;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
