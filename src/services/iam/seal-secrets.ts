/**
 * Secrets that were written in clear, before they were sealed, are sealed when the house starts. Done once: a mark says so.
 * What is in clear still opens, so that a start that is cut off leaves nothing unusable.
 */
import { accessKeys, type Collection, collection, globalKey, sessions } from '../../store/index.ts';
import { keepSecret, type KeptSecret } from '../identity-secrets.ts';
import type { House } from '../index.ts';

const marks = collection<Readonly<{ at: number }>>('iam.upkeep');
const MARK = globalKey('secrets-sealed');
const BATCH = 500;

export async function sealSecrets(house: House): Promise<void> {
  if ((await marks.get(house.store, MARK)) !== undefined) return;
  // Another process changed or removed one meanwhile: the next start looks again.
  const done = [await sealAll(house, accessKeys), await sealAll(house, sessions)];
  if (done.every(Boolean)) await marks.put(house.store, MARK, { at: house.clock.now() });
}

async function sealAll<T extends KeptSecret & Readonly<{ accessKeyId: string }>>(
  house: House,
  kept: Collection<T>,
): Promise<boolean> {
  let after: { sort: string; id: string } | undefined;
  for (;;) {
    const batch = await kept.list(house.store, { account: '', limit: BATCH, ...(after && { after }) });
    for (const { key, document, version } of batch) {
      const { secretAccessKey, ...rest } = document;
      if (secretAccessKey === undefined) continue;
      const sealed = keepSecret(house, document.accessKeyId, secretAccessKey);
      const whole = { ...(rest as unknown as T), ...sealed };
      if (!(await kept.update(house.store, key, whole, { expectedVersion: version }))) return false;
    }
    const last = batch[batch.length - 1];
    if (last === undefined || batch.length < BATCH) return true;
    after = { sort: last.sort, id: last.key.id };
  }
}
