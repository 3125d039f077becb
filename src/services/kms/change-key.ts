/** The ways in which operations change customer managed keys: read, change and write as one. */
import type { Tx } from '../../store/index.ts';
import type { Call } from '../service.ts';
import { requireKey } from './access.ts';
import { assertCustomerManaged, type Key, keys, notFound } from './records.ts';
import { lockRelatedKeys, updateShared } from './related-keys.ts';

export async function changeKey(
  call: Call,
  keyId: string | undefined,
  operationName: string,
  change: (key: Key, tx: Tx) => Key | Promise<Key>,
): Promise<void> {
  const { keyId: id } = await requireKey(call, keyId ?? '');
  const where = { account: call.account, region: call.region, id };
  await call.house.store.transaction(async (tx) => {
    const found = await keys.getForUpdate(tx, where);
    if (found === undefined) throw notFound({ ...where, arn: call.arn('kms', `key/${id}`) });
    assertCustomerManaged(found.document, operationName);
    await keys.update(tx, where, await change(found.document, tx));
  });
}

/** As `changeKey`, for what related multi-Region keys share (their material and its rotation): given `change` by the one, all get it. */
export async function changeRelatedKeys(
  call: Call,
  keyId: string | undefined,
  operationName: string,
  change: (key: Key, tx: Tx) => Pick<Key, 'materials' | 'rotation'> | Promise<Pick<Key, 'materials' | 'rotation'>>,
): Promise<void> {
  const key = await requireKey(call, keyId ?? '');
  await call.house.store.transaction(async (tx) => {
    const related = await lockRelatedKeys(tx, key);
    const fresh = related.find(({ region }) => region === key.region);
    if (fresh === undefined) throw notFound(key);
    assertCustomerManaged(fresh, operationName);
    await updateShared(tx, related, await change(fresh, tx));
  });
}
