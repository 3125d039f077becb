import { expect, it } from 'vitest';
import { defaultJudge } from '../core/judge/index.ts';
import { compileOptions } from './config.ts';

it('compileOptions() reads the judge and what is done about unfit alarms, as the tags say them', () => {
  expect(compileOptions({}, {})).toMatchObject({ judge: undefined, alarmFitness: 'warn' });
  const both = compileOptions({}, { SLUICE_JUDGE: 'slow=off undecided=stop', SLUICE_ALARM_FITNESS: 'require' });
  const { slow: _slow, ...rest } = defaultJudge;
  expect(both).toMatchObject({ judge: { ...rest, undecided: 'stop' }, alarmFitness: 'require' });
  expect(both.judge).not.toHaveProperty('slow');
  expect(compileOptions({ judge: 'off', alarmFitness: 'off' }, { SLUICE_JUDGE: 'on' })).toMatchObject({
    judge: undefined,
    alarmFitness: 'off',
  });
});

it.each([
  [{ SLUICE_JUDGE: 'errors=lots' }, /^SLUICE_JUDGE=errors=lots: errors=lots: expected off, TOLERANCE/],
  [{ SLUICE_JUDGE: '' }, /^SLUICE_JUDGE=: expected on, off, or settings/],
  [{ SLUICE_ALARM_FITNESS: 'please' }, /^SLUICE_ALARM_FITNESS=please: expected warn, require or off$/],
])('compileOptions() refuses %j', (environment, message) => {
  expect(() => compileOptions({}, environment)).toThrow(message);
});
