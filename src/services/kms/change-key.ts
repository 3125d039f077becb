/** The one way that an operation changes a customer managed key: read, change and write as one. */
import type { Call } from '../service.ts';
import { requireKey } from './access.ts';
import { assertCustomerManaged, type Key, keys, notFound } from './records.ts';

export async function changeKey(
  call: Call,
  keyId: string | undefined,
  operationName: string,
  change: (key: Key) => Key,
): Promise<void> {
  const { keyId: id } = await requireKey(call, keyId ?? '');
  const where = { account: call.account, region: call.region, id };
  await call.house.store.transaction(async (tx) => {
    const found = await keys.getForUpdate(tx, where);
    if (found === undefined) throw notFound({ ...where, arn: call.arn('kms', `key/${id}`) });
    assertCustomerManaged(found.document, operationName);
    await keys.update(tx, where, change(found.document));
  });
}
