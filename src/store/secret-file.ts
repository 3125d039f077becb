/**
 * A secret of 32 random bytes in a file of mode 0600, made when it is first asked for. Written whole under another name and
 * linked into place, fsynced with its folder: no reader ever sees half a secret, and none gets lost after use.
 *
 * A file that others than its owner may read, or write, is refused: what it protects must be taken for known.
 */
import { link, mkdir, open, readFile, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';

const BYTES = 32;
const OTHERS = 0o077;

/** A secret file that cannot be used; the message says which and what to do. */
export class SecretFileError extends Error {
  override readonly name = 'SecretFileError';
}

/** `random` gives fresh bytes, `name` a text that no other process draws. */
export async function openSecretFile(
  path: string,
  source: Readonly<{ random: (bytes: number) => Uint8Array; name: () => string }>,
): Promise<Buffer> {
  const found = await readOwnSecret(path);
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
  const made = await readOwnSecret(path);
  if (made === undefined) throw new Error(`${path} vanished while it was made`);
  return made;
}

/** The content of a file that its owner alone may read; undefined where there is none. Throws `SecretFileError`. */
export async function readSecretFile(path: string): Promise<Buffer | undefined> {
  try {
    const { mode } = await stat(path);
    if ((mode & OTHERS) !== 0) {
      const octal = (mode & 0o777).toString(8).padStart(4, '0');
      throw new SecretFileError(
        `The secret file ${path} has mode ${octal}: others than its owner can get at it. Set it right with: chmod 600 ${path}`,
      );
    }
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function readOwnSecret(path: string): Promise<Buffer | undefined> {
  const secret = await readSecretFile(path);
  if (secret !== undefined && secret.length !== BYTES) {
    throw new SecretFileError(`${path} holds ${secret.length} bytes, not ${BYTES}: it is no secret that Sluice made.`);
  }
  return secret;
}
