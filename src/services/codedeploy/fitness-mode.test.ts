import { expect, test } from 'vitest';
import type { HouseConfig } from '../service.ts';
import { fitnessMode, requireFitAlarms } from './alarm-fitness.ts';

const house = (alarmFitness?: HouseConfig['alarmFitness']) => ({ alarmFitness }) as HouseConfig;
const tag = (value: string) => ({ 'sluice:alarm-fitness': value });

test('fitnessMode() is what the tag says, else what the house says, else a warning', () => {
  expect(fitnessMode({}, house())).toBe('warn');
  expect(fitnessMode({}, house('require'))).toBe('require');
  expect(fitnessMode(tag('off'), house('require'))).toBe('off');
  expect(fitnessMode(tag('warn'), house('require'))).toBe('warn');
  expect(fitnessMode(tag('perhaps'), house('require'))).toBe('require');
});

test('requireFitAlarms() says who requires it', async () => {
  const watching = { steps: [], alarms: { names: [] }, rollbackPolicy: { onAlarm: true } };
  const refusal = (tags: Readonly<Record<string, string>>) =>
    requireFitAlarms(async () => ({}) as never, watching, tags, 0).then(
      () => '',
      (error: Error) => error.message,
    );
  expect(await refusal(tag('require'))).toMatch(/^The tag sluice:alarm-fitness of the deployment group requires that/);
  expect(await refusal({})).toMatch(
    /^SLUICE_ALARM_FITNESS=require asks of every deployment group that its alarms be fit\. /,
  );
});
