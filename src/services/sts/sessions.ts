/**
 * Sessions: made here, kept in the store, so that they outlive a restart; expired by the clock of the house.
 * Expired ones stay for an hour, in which a caller is told that they expired, and are then removed.
 */
import { ALPHANUMERIC, type EpochMs, HOUR_MS, MINUTE_MS, newAccessKeyId, type Principal } from '../../common/index.ts';
import { globalKey, sessionHour, sessions, sessionTokenOf, timeSort } from '../../store/index.ts';
import { keepSecret } from '../identity-secrets.ts';
import type { Call, House } from '../index.ts';

export type IssuedCredentials = Readonly<{
  AccessKeyId: string;
  SecretAccessKey: string;
  SessionToken: string;
  Expiration: Date;
}>;

export async function issueSession(
  call: Call,
  account: string,
  principal: Principal,
  expiresAt: EpochMs,
): Promise<IssuedCredentials> {
  const { ids, store } = call.house;
  const accessKeyId = newAccessKeyId(ids, 'ASIA', account);
  const secretAccessKey = ids.text(40, `${ALPHANUMERIC}+/`);
  await sessions.insert(
    store,
    globalKey(accessKeyId),
    { accessKeyId, ...keepSecret(call.house, accessKeyId, secretAccessKey), principal, expiresAt },
    { parent: sessionHour(expiresAt), sort: timeSort(expiresAt) },
  );
  await sweep(call.house);
  return {
    AccessKeyId: accessKeyId,
    SecretAccessKey: secretAccessKey,
    SessionToken: sessionTokenOf(accessKeyId, secretAccessKey),
    Expiration: new Date(expiresAt),
  };
}

const SWEEP_EVERY_MS = 10 * MINUTE_MS;
const KEPT_AFTER_EXPIRY_MS = HOUR_MS;
const swept = new WeakMap<House, EpochMs>();

/** Removes what expired long ago, an hour's sessions at a time. */
async function sweep(house: House): Promise<void> {
  const now = house.clock.now();
  if (now - (swept.get(house) ?? 0) < SWEEP_EVERY_MS) return;
  swept.set(house, now);
  for (;;) {
    const [oldest] = await sessions.list(house.store, { account: '', limit: 1 });
    if (oldest === undefined) return;
    const endOfHour = (Number(oldest.parent) + 1) * HOUR_MS;
    if (endOfHour + KEPT_AFTER_EXPIRY_MS > now) return;
    await sessions.deleteUnder(house.store, { account: '', region: '' }, oldest.parent);
  }
}
