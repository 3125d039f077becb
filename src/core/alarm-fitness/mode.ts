/**
 * What is done about alarms that cannot stop a bad release: the value of a group's tag `sluice:alarm-fitness`, and of the
 * setting `SLUICE_ALARM_FITNESS` for groups without it.
 */
export const FITNESS_TAG = 'sluice:alarm-fitness';

/** `require`: such a deployment is refused. - `off`: nothing is reckoned. */
export type FitnessMode = 'warn' | 'require' | 'off';

/** Undefined: none of them. */
export function readFitnessMode(value: string | undefined): FitnessMode | undefined {
  return value === 'warn' || value === 'require' || value === 'off' ? value : undefined;
}
