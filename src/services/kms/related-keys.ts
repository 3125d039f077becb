/** Related multi-Region keys: what they share is changed in all of them as one. */
import { AwsError } from '../../common/index.ts';
import type { Tx } from '../../store/index.ts';
import { type Key, keys } from './records.ts';

export async function updateShared(
  tx: Tx,
  related: readonly Key[],
  { materials, rotation }: Pick<Key, 'materials' | 'rotation'>,
): Promise<void> {
  for (const { rotation: _before, ...key } of related) {
    const where = { account: key.account, region: key.region, id: key.keyId };
    await keys.update(tx, where, { ...key, materials, ...(rotation && { rotation }) });
  }
}

/** The key and those related to it, locked in the order of their Regions, as they are now. */
export async function lockRelatedKeys(tx: Tx, key: Key): Promise<readonly Key[]> {
  const { primaryRegion = key.region, replicaRegions = [] } = key.multiRegion ?? {};
  const regions = [primaryRegion, ...replicaRegions].sort();
  const found: Key[] = [];
  for (const region of regions) {
    const locked = await keys.getForUpdate(tx, { account: key.account, region, id: key.keyId });
    if (locked !== undefined) found.push(locked.document);
  }
  const relatives = found.flatMap(({ multiRegion }) => multiRegion?.replicaRegions ?? []);
  if (relatives.some((region) => !regions.includes(region))) {
    throw new AwsError('DependencyTimeoutException', 'The keys related to this one are being changed. Try again.', {
      statusCode: 500,
    });
  }
  return found;
}
