/**
 * Histories of real runs, recorded by earlier versions (`npm run record-histories`): the rules of now must come to the same
 * states and effects (which the oldest recordings did not keep). One that does not, and rightly so, says what it would mean
 * to upgrade in the middle of such a run: the recording goes only with a line in the changelog. Learnt from Temporal,
 * `packages/test/history_files`.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import * as alarm from '../alarm/index.ts';
import * as build from '../build/index.ts';
import * as deployment from '../lambda-deployment/index.ts';
import * as pipeline from '../pipeline-execution/index.ts';
import { type Decider, historyFrom, type RecordedTurn, replay } from './index.ts';

const FOLDER = new URL('../../../test/simulation/histories/', import.meta.url);

const DECIDERS: Readonly<Record<string, unknown>> = {
  deployment,
  build,
  line: { decide: pipeline.decide, isFinal: () => false },
  alarm: { decide: alarm.decide, isFinal: () => false },
};

type Recorded = Readonly<{ subject: string; rows: readonly RecordedTurn[]; stored: unknown }>;

const files = readdirSync(FOLDER).filter((name) => name.endsWith('.json'));

it('has recordings of every subject', () => {
  for (const subject of Object.keys(DECIDERS)) expect(files.some((name) => name.includes(`-${subject}`))).toBe(true);
});

it.each(files)('%s comes to the same states and effects', (file) => {
  const { subject, rows, stored } = JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8')) as Recorded;
  const history = historyFrom(rows);
  expect(history?.beginning.created).toBe(true);
  const again = replay(DECIDERS[subject] as Decider, history!, stored);
  expect(again.difference).toBeUndefined();
  expect(again.checked).toBe(rows.length - 1);
  const kept = rows.filter(({ effects }) => effects !== undefined);
  expect(again.effectsChecked).toBe(kept.length);
  expect([0, rows.length - 1]).toContain(kept.length);
});
